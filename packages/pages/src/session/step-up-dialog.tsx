// Asks a signed-in user who has second factors to prove again who they are, by what the operation accepts.

import { type FactorKind, RecoveryCode, type StepUpInput, TotpCode } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAppContext } from "../app/context.ts";
import { CodeField } from "../factors/code-field.tsx";
import { askForPasskey, hasPasskeys } from "../factors/passkeys.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { Dialog, DialogActions } from "../layout/dialog.tsx";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./reauthentication.module.css";
import type { ReauthenticationDialogProps } from "./reauthentication-dialog.tsx";
import { reauthenticationWords } from "./reauthentication-words.ts";

type Proof = Omit<StepUpInput, "transport">;

/** What the user has and the operation accepts. */
export const waysToStepUp = ({
  methods,
  factors: { factors, recoveryCodesLeft },
  needs,
}: Pick<ReauthenticationDialogProps, "methods" | "factors" | "needs">) => {
  const has = (kind: FactorKind) => factors.some((factor) => factor.kind === kind);
  const asksForCode = needs.factors === 2 && (recoveryCodesLeft > 0 || has("totp"));
  return {
    offersPasskey: hasPasskeys() && has("passkey"),
    asksForCode,
    // Of two factors, the password is one.
    offersForm: !needs.phishingResistant && (needs.factors === 2 ? asksForCode : methods.hasPassword),
  };
};

export const StepUpDialog = ({ username, methods, factors, needs, purpose, onAnswer }: ReauthenticationDialogProps) => {
  const { backend, steps } = useAppContext();
  const { client, readFailure } = backend;
  const words = useWords("reauthentication", reauthenticationWords);
  const { cancel } = useWords("layout", layoutWords);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [refused, setRefused] = useState<{ readonly password?: string; readonly code?: string }>({});

  const { offersPasskey, offersForm, asksForCode } = waysToStepUp({ methods, factors, needs });

  const stepUp = useMutation({
    mutationFn: async (by: "passkey" | "form"): Promise<boolean> => {
      let proof: Proof = { ...(methods.hasPassword && { password }), ...(asksForCode && codeIn(code)) };
      if (by === "passkey") {
        const passkey = await askForPasskey(await client.auth.passkeyOptions.mutate());
        if (!passkey) {
          setRefused({ password: words.stepUp.noPasskey });
          return false;
        }
        proof = { passkey };
      }
      // A new session replaces this one, so the end of this one is not announced.
      await steps.replace(() => client.auth.stepUp.mutate(proof));
      return true;
    },
    onSuccess: (proved) => proved && onAnswer(true),
    onError(error) {
      const failure = readFailure("auth.stepUp", error);
      if (failure.code === "INVALID_CREDENTIALS") setRefused({ password: words.wrongPassword });
      if (failure.code === "FACTOR_REFUSED") setRefused({ code: words.stepUp.refused });
    },
  });
  const failed = stepUp.error && readFailure("auth.stepUp", stepUp.error);
  const shown = failed?.code === "INVALID_CREDENTIALS" || (failed?.code === "FACTOR_REFUSED" && asksForCode);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (stepUp.isPending) return;
    const missing = asksForCode && !codeIn(code);
    setRefused(missing ? { code: words.stepUp.refused } : {});
    if (!missing) stepUp.mutate("form");
  };
  return (
    <Dialog title={words.stepUp.title} onCancel={() => !stepUp.isPending && onAnswer(false)}>
      <form noValidate className={styles.form} onSubmit={submit}>
        <p>{words.why(purpose)}</p>
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
        {!offersForm && <p role="status">{refused.password}</p>}
        {offersForm && methods.hasPassword && (
          <>
            <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
            <PasswordField
              label={words.yourPassword}
              autoComplete="current-password"
              autoFocus
              name="password"
              value={password}
              error={refused.password}
              onChange={({ currentTarget }) => {
                setPassword(currentTarget.value);
                setRefused({});
              }}
            />
          </>
        )}
        {offersForm && asksForCode && (
          <CodeField
            label={words.stepUp.code}
            value={code}
            error={refused.code ?? null}
            onChange={(value) => {
              setCode(value);
              setRefused({});
            }}
          />
        )}
        <DialogActions>
          <Button variant="default" onClick={() => !stepUp.isPending && onAnswer(false)}>
            {cancel}
          </Button>
          {offersForm && (
            <Button type="submit" aria-disabled={stepUp.isPending}>
              {stepUp.isPending && stepUp.variables === "form" ? words.checking : words.continue}
            </Button>
          )}
        </DialogActions>
      </form>
    </Dialog>
  );
};

/** A code of six digits is of an app; of twelve letters, a recovery code. `null`: it is neither. */
const codeIn = (typed: string): Proof | null => {
  const totp = TotpCode.safeParse(typed);
  if (totp.success) return { totp: totp.data };
  const recoveryCode = RecoveryCode.safeParse(typed);
  return recoveryCode.success ? { recoveryCode: recoveryCode.data } : null;
};
