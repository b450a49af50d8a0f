// Asks a signed-in user to reauthenticate.

import type { ErrorDetails, FactorList, Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { ButtonLink } from "../layout/button-link.tsx";
import { Dialog, DialogActions } from "../layout/dialog.tsx";
import { paths } from "../paths.ts";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { usePasswordAgain } from "./password-again.ts";
import styles from "./reauthentication.module.css";
import { reauthenticationWords } from "./reauthentication-words.ts";
import { SignInAgainLinks } from "./sign-in-again-links.tsx";
import { StepUpDialog, waysToStepUp } from "./step-up-dialog.tsx";

export interface ReauthenticationDialogProps {
  readonly username: string;
  /** The ways in which the user can reauthenticate. */
  readonly methods: { readonly hasPassword: boolean; readonly identities: readonly Identity[] };
  /** The user's second factors. */
  readonly factors: FactorList;
  /** What the operation accepts. */
  readonly needs: ErrorDetails<"REAUTHENTICATION_REQUIRED">;
  /** Completes "… only works shortly after you signed in." */
  readonly purpose: string;
  /** The path that an identity provider returns the user to. */
  readonly returnTo: string;
  readonly onAnswer: (confirmed: boolean) => void;
}

export const ReauthenticationDialog = (props: ReauthenticationDialogProps) => {
  const { methods, factors, needs } = props;
  const { offersPasskey, offersForm } = waysToStepUp(props);
  if (factors.factors.length > 0 && (offersPasskey || offersForm)) return <StepUpDialog {...props} />;
  if (needs.phishingResistant || needs.factors === 2) return <Missing {...props} />;
  return methods.hasPassword ? <ByPassword {...props} /> : <AtProvider {...props} />;
};

/** There is no way around a factor that the operation needs: the user adds one first. */
const Missing = ({ needs, onAnswer }: ReauthenticationDialogProps) => {
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  return (
    <Dialog title={words.missing.title} onCancel={() => onAnswer(false)}>
      <p>{needs.phishingResistant ? words.missing.passkey : words.missing.factor}</p>
      <DialogActions>
        <Button variant="default" onClick={() => onAnswer(false)}>
          {cancel}
        </Button>
        <ButtonLink href={paths.secondFactors}>{words.missing.add}</ButtonLink>
      </DialogActions>
    </Dialog>
  );
};

const ByPassword = ({ username, purpose, onAnswer }: ReauthenticationDialogProps) => {
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  const { form, signIn, failure } = usePasswordAgain(() => onAnswer(true));
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
