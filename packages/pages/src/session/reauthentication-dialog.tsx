// Asks a signed-in user to reauthenticate.

import type { ErrorDetails, FactorList, Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { ButtonLink } from "../layout/button-link.tsx";
import { Dialog, DialogActions } from "../layout/dialog.tsx";
import { paths } from "../paths.ts";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./reauthentication.module.css";
import { reauthenticationWords } from "./reauthentication-words.ts";
import { SignInAgainLinks } from "./sign-in-again-links.tsx";
import { StepUpForm } from "./step-up-form.tsx";
import { waysToStepUp } from "./ways-to-step-up.ts";

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
  const { offersPasskey, offersForm } = waysToStepUp(props);
  if (offersPasskey || offersForm) return <StepUp {...props} />;
  return props.needs.phishingResistant || props.needs.factors === 2 ? (
    <Missing {...props} />
  ) : (
    <AtProvider {...props} />
  );
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

const StepUp = ({ username, methods, factors, needs, purpose, onAnswer }: ReauthenticationDialogProps) => {
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  return (
    <Dialog
      title={factors.factors.length > 0 ? words.stepUp.title : words.enterPassword}
      onCancel={() => onAnswer(false)}
    >
      <StepUpForm
        username={username}
        methods={methods}
        factors={factors}
        needs={needs}
        reason={<p>{(needs.maxAgeSeconds === null ? words.stepUp : words).why(purpose)}</p>}
        decline={cancel}
        onProved={() => onAnswer(true)}
        onDecline={() => onAnswer(false)}
      />
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
