// Asks a signed-in user to reauthenticate.

import type { Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { Dialog, DialogActions } from "../layout/dialog.tsx";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { usePasswordAgain } from "./password-again.ts";
import styles from "./reauthentication.module.css";
import { reauthenticationWords } from "./reauthentication-words.ts";
import { SignInAgainLinks } from "./sign-in-again-links.tsx";

export interface ReauthenticationDialogProps {
  readonly username: string;
  /** The ways in which the user can reauthenticate. */
  readonly methods: { readonly hasPassword: boolean; readonly identities: readonly Identity[] };
  /** Completes "… only works shortly after you signed in." */
  readonly purpose: string;
  /** The path that an identity provider returns the user to. */
  readonly returnTo: string;
  readonly onAnswer: (confirmed: boolean) => void;
}

export const ReauthenticationDialog = (props: ReauthenticationDialogProps) =>
  props.methods.hasPassword ? <ByPassword {...props} /> : <AtProvider {...props} />;

const ByPassword = ({ username, purpose, onAnswer }: ReauthenticationDialogProps) => {
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  const { form, signIn, failure } = usePasswordAgain(username, () => onAnswer(true));
  return (
    <Dialog title={words.enterPassword} onCancel={() => !signIn.isPending && onAnswer(false)}>
      <form noValidate className={styles.form} onSubmit={form.submit}>
        <p>{words.why(purpose)}</p>
        {failure && <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />}
        <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
        <PasswordField
          label={words.yourPassword}
          autoComplete="current-password"
          autoFocus
          {...form.field("password")}
        />
        <DialogActions>
          <Button variant="default" onClick={() => !signIn.isPending && onAnswer(false)}>
            {cancel}
          </Button>
          <Button type="submit" aria-disabled={signIn.isPending}>
            {signIn.isPending ? words.checking : words.continue}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
};

const AtProvider = ({ methods, purpose, returnTo, onAnswer }: ReauthenticationDialogProps) => {
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  return (
    <Dialog title={words.signIn} onCancel={() => onAnswer(false)}>
      <div className={styles.form}>
        <p>{words.why(purpose)}</p>
        <SignInAgainLinks identities={methods.identities} returnTo={returnTo} />
      </div>
      <DialogActions>
        <Button variant="default" onClick={() => onAnswer(false)}>
          {cancel}
        </Button>
      </DialogActions>
    </Dialog>
  );
};
