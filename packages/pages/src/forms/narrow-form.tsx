// A form on a card of a narrow page: why its last call failed, its fields, and its button.

import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { cardClasses } from "../layout/card.ts";
import type { CardFormProps } from "./card-form.tsx";

/** The props of `NarrowForm`: those of `CardForm`, without its title and its outcome. */
export interface NarrowFormProps
  extends Pick<CardFormProps, "failure" | "failureKey" | "submitLabel" | "busy" | "onSubmit" | "children"> {
  /** What is below the button, such as `ChallengeStatus`. */
  readonly below?: ReactNode;
}

/** A form on a card, as the main part of a narrow page, for `useForm`. */
export const NarrowForm = ({ failure, failureKey, submitLabel, busy, onSubmit, children, below }: NarrowFormProps) => (
  <form noValidate className={cardClasses.card} onSubmit={onSubmit}>
    <div className={cardClasses.fields}>
      {failure && <FailureNotice key={failureKey} failure={failure} takesFocus />}
      {children}
      <Button type="submit" fullWidth aria-disabled={busy}>
        {submitLabel}
      </Button>
      {below}
    </div>
  </form>
);
