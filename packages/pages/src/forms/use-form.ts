// Owns the behaviour of forms: keeps the input, validates it with a schema of the contract on submit, shows issues at
// their fields (those of the server too), and focuses the first.

import { type ChangeEvent, type FormEvent, useRef, useState } from "react";
import type { z } from "zod";

/** Error messages by field. `wholeForm`: an error that belongs to no single field. */
export type FieldErrors<Values> = { readonly [Field in keyof Values | typeof wholeForm]?: string };

/** The key of an error that belongs to no single field. */
export const wholeForm = "whole form";

/** The options of `useForm`. */
export interface FormOptions<Values, Schema extends z.ZodType> {
  readonly initialValues: Values;
  readonly schema: Schema;
  /** What the schema validates. Default: the values. */
  readonly inputOf?: (values: Values) => z.input<Schema>;
  /** Called with the output of the schema. */
  readonly onSubmit: (output: z.output<Schema>) => void;
}

type TextControl = HTMLInputElement | HTMLTextAreaElement;

/** A form whose values are validated by `schema` when it is submitted. */
export const useForm = <Values extends Record<keyof Values, string>, Schema extends z.ZodType>({
  initialValues,
  schema,
  inputOf = (values) => values as z.input<Schema>,
  onSubmit,
}: FormOptions<Values, Schema>) => {
  const [values, setValues] = useState(initialValues);
  const [errors, setErrors] = useState<FieldErrors<Values>>({});
  const inputs = useRef(new Map<keyof Values, TextControl>());

  /** Shows errors, and focuses the first field that has one. */
  const refuse = (refused: FieldErrors<Values>) => {
    setErrors(refused);
    const first = (Object.keys(initialValues) as (keyof Values)[]).find((field) => refused[field]);
    if (first) inputs.current.get(first)?.focus();
  };

  const set = <Field extends keyof Values>(name: Field, value: Values[Field]) => {
    setValues((before) => ({ ...before, [name]: value }));
    setErrors((before) => ({ ...before, [name]: undefined, [wholeForm]: undefined }));
  };

  return {
    values,
    errors,
    refuse,
    /** Sets a field whose value is selected, not typed. */
    set,
    /** Replaces all values. */
    show(next: Values) {
      setValues(next);
      setErrors({});
    },
    /** Focuses a field and selects its text, to be typed over. */
    select: (field: keyof Values) => inputs.current.get(field)?.select(),
    /** The props of a field's input. */
    field: <Field extends keyof Values & string>(name: Field) => ({
      name,
      value: values[name],
      error: errors[name],
      onChange: ({ currentTarget: { value } }: ChangeEvent<TextControl>) => set(name, value as Values[Field]),
      ref(input: TextControl | null) {
        if (input) inputs.current.set(name, input);
        else inputs.current.delete(name);
      },
    }),
    submit(event: FormEvent) {
      event.preventDefault();
      const parsed = schema.safeParse(inputOf(values));
      if (parsed.success) {
        setErrors({});
        onSubmit(parsed.data);
      } else {
        refuse(fieldErrorsOf(parsed.error.issues));
      }
    },
  };
};

/** The first issue of each field, of a schema here or of the server's. In a list, with its place. */
export const fieldErrorsOf = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): FieldErrors<Record<string, string>> => {
  const errors: Record<string, string> = {};
  for (const { path, message } of issues) {
    const [field = wholeForm, place] = path;
    errors[String(field)] ??= typeof place === "number" ? `No. ${place + 1}: ${message}` : message;
  }
  return errors;
};
