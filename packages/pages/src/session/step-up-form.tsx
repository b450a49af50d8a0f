// Asks a signed-in user to prove again who they are, by what they have and an operation or an app accepts.

import { LoginInput, RecoveryCode, type StepUpInput, TotpCode } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useAppContext } from "../app/context.ts";
import { CodeField } from "../factors/code-field.tsx";
import { askForPasskey } from "../factors/passkeys.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { useForm } from "../forms/use-form.ts";
import { DialogActions } from "../layout/dialog.tsx";
import { useWords } from "../words/words.ts";
import styles from "./reauthentication.module.css";
import { reauthenticationWords } from "./reauthentication-words.ts";
import { type StepUpQuestion, waysToStepUp } from "./ways-to-step-up.ts";

type Proof = Omit<StepUpInput, "transport">;

/** The props of `StepUpForm`. */
export interface StepUpFormProps extends StepUpQuestion {
  readonly username: string;
  /** Why the user is asked, if nothing above the form says so. */
  readonly reason?: ReactNode;
  /** The words of the button that declines. */
  readonly decline: string;
  readonly onProved: () => void;
  readonly onDecline: () => void;
}

/**
 * Asks for a passkey, for the password, for a code, or for both, as the user has them and `needs` accepts them. Show it
 * only where `waysToStepUp` has a way.
 */
export const StepUpForm = (props: StepUpFormProps) => {
  const { backend, steps } = useAppContext();
  const { client, readFailure } = backend;
  const words = useWords("reauthentication", reauthenticationWords);
  /** Whether the user was asked for a passkey, and gave none. */
  const [gaveNone, setGaveNone] = useState(false);
  const { offersPasskey, offersForm, asksForCode, asksForPassword } = waysToStepUp(props);

  const stepUp = useMutation({
    mutationFn: async (by: "passkey" | "form"): Promise<boolean> => {
      setGaveNone(false);
      const { password, code } = form.values;
      let proof: Proof = { ...(asksForPassword && { password }), ...(asksForCode && codeIn(code)) };
      if (by === "passkey") {
        const passkey = await askForPasskey(await client.auth.passkeyOptions.mutate());
        if (!passkey) {
          setGaveNone(true);
          return false;
        }
        proof = { passkey };
      }
      // A new session replaces this one, so the end of this one is not announced.
      await steps.replace(() => client.auth.stepUp.mutate(proof));
      return true;
    },
    onSuccess: (proved) => proved && props.onProved(),
    onError(error) {
      const failure = readFailure("auth.stepUp", error);
      if (failure.code === "INVALID_CREDENTIALS") {
        form.refuse({ password: words.wrongPassword });
        form.select("password");
      }
      if (failure.code === "FACTOR_REFUSED") form.refuse({ code: words.stepUp.refused });
    },
  });
  const form = useForm({
    initialValues: { password: "", code: "" },
    schema: LoginInput.pick(asksForPassword ? { password: true } : {}),
    onSubmit() {
      if (stepUp.isPending) return;
      if (asksForCode && !codeIn(form.values.code)) form.refuse({ code: words.stepUp.refused });
      else stepUp.mutate("form");
    },
  });
  const failed = stepUp.error && readFailure("auth.stepUp", stepUp.error);
  const shown = failed?.code === "INVALID_CREDENTIALS" || (failed?.code === "FACTOR_REFUSED" && asksForCode);
  return (
    <form noValidate className={styles.form} onSubmit={form.submit}>
      {props.reason}
      {failed && !shown && <FailureNotice key={stepUp.submittedAt} failure={failed} takesFocus />}
      {offersPasskey && (
        <Button
          variant={offersForm ? "default" : "filled"}
          aria-disabled={stepUp.isPending}
          onClick={() => !stepUp.isPending && stepUp.mutate("passkey")}
        >
          {stepUp.isPending && stepUp.variables === "passkey" ? words.stepUp.waiting : words.stepUp.passkey}
        </Button>
      )}
      {offersPasskey && <p role="status">{gaveNone && words.stepUp.noPasskey}</p>}
      {asksForPassword && (
        <>
          <input type="text" name="username" autoComplete="username" value={props.username} readOnly hidden />
          <PasswordField
            label={words.yourPassword}
            autoComplete="current-password"
            autoFocus
            {...form.field("password")}
          />
        </>
      )}
      {offersForm && asksForCode && (
        <CodeField
          label={words.stepUp.code}
          autoFocus={!asksForPassword}
          ref={form.field("code").ref}
          value={form.values.code}
          error={form.errors.code ?? null}
          onChange={(code) => form.set("code", code)}
        />
      )}
      <DialogActions>
        <Button variant="default" onClick={() => !stepUp.isPending && props.onDecline()}>
          {props.decline}
        </Button>
        {offersForm && (
          <Button type="submit" aria-disabled={stepUp.isPending}>
            {stepUp.isPending && stepUp.variables === "form" ? words.checking : words.continue}
          </Button>
        )}
      </DialogActions>
    </form>
  );
};

/** A code of six digits is of an app; of twelve letters, a recovery code. `null`: it is neither. */
const codeIn = (typed: string): Proof | null => {
  const totp = TotpCode.safeParse(typed);
  if (totp.success) return { totp: totp.data };
  const recoveryCode = RecoveryCode.safeParse(typed);
  return recoveryCode.success ? { recoveryCode: recoveryCode.data } : null;
};
