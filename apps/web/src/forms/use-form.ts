// Owns what a form does: keeps what is typed, judges it by a schema of the contract when it is sent, shows
// complaints at their fields (the server's as well), and puts the focus on the first of them.

import { type ChangeEvent, type FormEvent, useRef, useState } from "react";
import type { z } from "zod";

/** Complaints by field; `wholeForm` is about no field alone. */
export type FieldErrors<Values> = { readonly [Field in keyof Values | typeof wholeForm]?: string };

export const wholeForm = "whole form";

export interface FormOptions<Values, Schema extends z.ZodType> {
  readonly initialValues: Values;
  readonly schema: Schema;
  /** What the schema is to judge, when that is not the values as they are. */
  readonly inputOf?: (values: Values) => z.input<Schema>;
  /** Gets what the schema made of the input. */
  readonly onSubmit: (output: z.output<Schema>) => void;
}

type TextControl = HTMLInputElement | HTMLTextAreaElement;

export const useForm = <Values extends Record<keyof Values, string>, Schema extends z.ZodType>({
  initialValues,
  schema,
  inputOf = (values) => values as z.input<Schema>,
  onSubmit,
}: FormOptions<Values, Schema>) => {
  const [values, setValues] = useState(initialValues);
  const [errors, setErrors] = useState<FieldErrors<Values>>({});
  const inputs = useRef(new Map<keyof Values, TextControl>());

  /** Shows complaints, and goes to the first field that has one. */
  const refuse = (complaints: FieldErrors<Values>) => {
    setErrors(complaints);
    const first = (Object.keys(initialValues) as (keyof Values)[]).find((field) => complaints[field]);
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
    /** Puts something into a field that is not typed: a choice. */
    set,
    /** Replaces what is typed. */
    show(next: Values) {
      setValues(next);
      setErrors({});
    },
    /** Focuses a field and selects what is in it, to be typed over. */
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
      const judged = schema.safeParse(inputOf(values));
      if (judged.success) {
        setErrors({});
        onSubmit(judged.data);
      } else {
        refuse(complaintsOf(judged.error.issues));
      }
    },
  };
};

/** The first complaint about each field, of a schema here or of the server's. In a list, with its place. */
export const complaintsOf = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): FieldErrors<Record<string, string>> => {
  const complaints: Record<string, string> = {};
  for (const { path, message } of issues) {
    const [field = wholeForm, place] = path;
    complaints[String(field)] ??= typeof place === "number" ? `No. ${place + 1}: ${message}` : message;
  }
  return complaints;
};
