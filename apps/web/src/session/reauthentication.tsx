// Asks for the password again, in place, when the server wants to know that it is still the same person, and
// then makes the refused call once more.

import { errorOf } from "@lockstep/client";
import type { contract, PathOf } from "@lockstep/contract";
import { Button } from "@mantine/core";
import { useState } from "react";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { Dialog, DialogActions } from "../shell/dialog.tsx";
import { usePasswordAgain } from "./password-again.ts";
import styles from "./reauthentication.module.css";

interface Question {
  readonly resolve: (confirmed: boolean) => void;
}

export interface ReauthenticationOptions {
  readonly username: string;
  /** Completes "Before you go on to …". */
  readonly purpose: string;
  /** For somebody who has no password: leaves this page for where they can prove who they are. */
  readonly elsewhere?: (() => void) | undefined;
}

/** `dialog` belongs into the page. */
export const useReauthentication = (options: ReauthenticationOptions) => {
  const [question, setQuestion] = useState<Question | null>(null);
  const answer = (confirmed: boolean) => {
    setQuestion(null);
    question?.resolve(confirmed);
  };
  return {
    /**
     * Makes a call of `path`, and where it is refused for that reason, once more after the person proved who they are.
     * Answers `null` when they did not want to.
     */
    async attempt<T>(path: PathOf<typeof contract>, call: () => Promise<T>): Promise<T | null> {
      try {
        return await call();
      } catch (error) {
        if (errorOf(path, error)?.code !== "REAUTHENTICATION_REQUIRED") throw error;
        if (options.elsewhere) {
          options.elsewhere();
          return null;
        }
        const confirmed = await new Promise<boolean>((resolve) => setQuestion({ resolve }));
        return confirmed ? call() : null;
      }
    },
    dialog: question && <ReauthenticationDialog {...options} onAnswer={answer} />,
  };
};

const ReauthenticationDialog = ({
  username,
  purpose,
  onAnswer,
}: ReauthenticationOptions & { onAnswer: (confirmed: boolean) => void }) => {
  const { form, signIn, failure } = usePasswordAgain(username, () => onAnswer(true));
  return (
    <Dialog title="Enter your password again" onCancel={() => !signIn.isPending && onAnswer(false)}>
      <form noValidate className={styles.form} onSubmit={form.submit}>
        <p>It has been a while since you signed in. {purpose} only works shortly after.</p>
        {failure && <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />}
        <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
        <PasswordField label="Your password" autoComplete="current-password" autoFocus {...form.field("password")} />
        <DialogActions>
          <Button variant="default" onClick={() => !signIn.isPending && onAnswer(false)}>
            Cancel
          </Button>
          <Button type="submit" aria-disabled={signIn.isPending}>
            {signIn.isPending ? "Checking…" : "Continue"}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
};
