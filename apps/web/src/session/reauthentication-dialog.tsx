// Asks whoever is signed in to prove that it is still them.

import type { Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { Dialog, DialogActions } from "../shell/dialog.tsx";
import { usePasswordAgain } from "./password-again.ts";
import styles from "./reauthentication.module.css";
import { SignInAgainLinks } from "./sign-in-again-links.tsx";

export interface ReauthenticationDialogProps {
  readonly username: string;
  /** How the person can sign in. */
  readonly methods: { readonly hasPassword: boolean; readonly identities: readonly Identity[] };
  /** Completes "… only works shortly after." */
  readonly purpose: string;
  /** Where an identity provider returns the person to. */
  readonly returnTo: string;
  readonly onAnswer: (confirmed: boolean) => void;
}

export const ReauthenticationDialog = (props: ReauthenticationDialogProps) =>
  props.methods.hasPassword ? <ByPassword {...props} /> : <AtProvider {...props} />;

const ByPassword = ({ username, purpose, onAnswer }: ReauthenticationDialogProps) => {
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

const AtProvider = ({ methods, purpose, returnTo, onAnswer }: ReauthenticationDialogProps) => (
  <Dialog title="Sign in again" onCancel={() => onAnswer(false)}>
    <div className={styles.form}>
      <p>It has been a while since you signed in. {purpose} only works shortly after.</p>
      <SignInAgainLinks identities={methods.identities} returnTo={returnTo} />
    </div>
    <DialogActions>
      <Button variant="default" onClick={() => onAnswer(false)}>
        Cancel
      </Button>
    </DialogActions>
  </Dialog>
);
