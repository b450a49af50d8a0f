// A form on a card: its title, why its last call failed, its fields, and its button with the outcome.

import { Button } from "@mantine/core";
import { type FormEvent, type ReactNode, useId } from "react";
import type { AnyFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { cardClasses } from "../layout/card.ts";
import styles from "./card-form.module.css";

/** The props of `CardForm`. */
export interface CardFormProps {
  readonly title: string;
  /** A failure that belongs to no field. */
  readonly failure: AnyFailure | null;
  /** When the form was last submitted: a new notice for each failure. */
  readonly failureKey: number;
  readonly submitLabel: string;
  /** Whether the call is running. */
  readonly busy: boolean;
  /** The result of the last call, if there is something to say. */
  readonly outcome?: ReactNode;
  /** Called when the user changes a field. */
  readonly onChange?: () => void;
  readonly onSubmit: (event: FormEvent) => void;
  readonly children: ReactNode;
}

/** A form on a card, for `useForm`. */
export const CardForm = (props: CardFormProps) => {
  const titleId = useId();
  return (
    <form
      noValidate
      className={cardClasses.card}
      aria-labelledby={titleId}
      onChange={() => !props.busy && props.onChange?.()}
      onSubmit={props.onSubmit}
    >
      <h2 id={titleId} className={cardClasses.cardTitle}>
        {props.title}
      </h2>
      <div className={`${cardClasses.fields} ${styles.fields}`}>
        {props.failure && <FailureNotice key={props.failureKey} failure={props.failure} takesFocus />}
        {props.children}
        <div className={styles.submit}>
          <Button type="submit" aria-disabled={props.busy}>
            {props.submitLabel}
          </Button>
          <p role="status" className={styles.outcome}>
            {props.outcome}
          </p>
        </div>
      </div>
    </form>
  );
};
