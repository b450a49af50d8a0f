// The second step of a sign-in: proves a factor that the account has, or adds the one that it needs.

import { type CompleteLoginInput, LoginResult, RecoveryCode, type SecondFactorMethod, TotpCode } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useBackend } from "../app/context.ts";
import type { Failure, Path } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { Choice } from "../forms/choices.tsx";
import { cardClasses } from "../layout/card.ts";
import { useWords } from "../words/words.ts";
import { AddFactor } from "./add-factor.tsx";
import { CodeField } from "./code-field.tsx";
import { askForPasskey, hasPasskeys } from "./passkeys.ts";
import { factorWords } from "./words.ts";

/** The answer to a sign-in that is not complete. */
export type PendingSignIn = Exclude<LoginResult, { readonly status: "signed_in" }>;

/** The props of `NextStep`. */
export interface NextStepProps {
  /** The answer to the sign-in; as JSON, when it comes from the address of the page. */
  readonly pending: PendingSignIn | string;
  /** Shows the first form again. `expired`: the failure to show with it, when the user did not ask for it. */
  readonly onStartAgain: (expired?: Failure | null) => void;
}

interface SecondStepProps extends NextStepProps {
  readonly pending: PendingSignIn;
}

export const SecondStep = ({ pending: given, onStartAgain }: NextStepProps) => {
  const pending = useMemo(() => (typeof given === "string" ? readPending(given) : given), [given]);
  useEffect(() => {
    if (pending === null) onStartAgain();
  }, [pending, onStartAgain]);
  return pending && <Step pending={pending} onStartAgain={onStartAgain} />;
};

/** Anybody can make such an address. `null`: no server did. */
const readPending = (json: string): PendingSignIn | null => {
  try {
    const answer = LoginResult.parse(JSON.parse(json));
    return answer.status === "signed_in" ? null : answer;
  } catch {
    return null;
  }
};

/** Makes the calls of the second step. When it is too late for it, the user starts again. */
const useSecondStepCall = (onStartAgain: NextStepProps["onStartAgain"]) => {
  const { readFailure } = useBackend();
  return async <T,>(path: Path, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      const failure = readFailure(path, error);
      if (failure.code === "CHALLENGE_EXPIRED") onStartAgain(failure);
      throw error;
    }
  };
};

const Step = ({ pending, onStartAgain }: SecondStepProps) => {
  const { client } = useBackend();
  const words = useWords("factors", factorWords);
  const attempt = useSecondStepCall(onStartAgain);
  if (pending.status === "second_factor_required") return <Prove pending={pending} onStartAgain={onStartAgain} />;
  const { challengeId } = pending;
  return (
    <section className={`${cardClasses.card} ${cardClasses.fields}`} aria-labelledby="factor-title">
      <h2 id="factor-title" className={cardClasses.cardTitle}>
        {words.add.required.title}
      </h2>
      <p>{words.add.required.lead}</p>
      <AddFactor
        kinds={pending.kinds}
        path="auth.completeEnrolment"
        begin={(kind) => attempt("auth.beginEnrolment", () => client.auth.beginEnrolment.mutate({ challengeId, kind }))}
        complete={(input) =>
          attempt("auth.completeEnrolment", () => client.auth.completeEnrolment.mutate({ challengeId, ...input }))
        }
        onCancel={() => onStartAgain()}
        onAdded={() => {}}
      />
    </section>
  );
};

interface ProveProps extends SecondStepProps {
  readonly pending: Extract<PendingSignIn, { readonly status: "second_factor_required" }>;
}

const Prove = ({ pending: { challengeId, methods }, onStartAgain }: ProveProps) => {
  const { client, readFailure } = useBackend();
  const words = useWords("factors", factorWords).prove;
  const attempt = useSecondStepCall(onStartAgain);
  const usable = methods.filter((each) => each !== "passkey" || hasPasskeys());
  const [method, setMethod] = useState<SecondFactorMethod>(usable[0] ?? "recovery_code");
  const [code, setCode] = useState("");
  const [refused, setRefused] = useState<string | null>(null);
  const [trustDevice, setTrustDevice] = useState(false);

  const prove = (proof: Pick<CompleteLoginInput, "totp" | "recoveryCode" | "passkey">) =>
    attempt("auth.completeLogin", () => client.auth.completeLogin.mutate({ challengeId, ...proof, trustDevice }));
  const complete = useMutation({
    mutationFn: async () => {
      if (method === "passkey") {
        const passkey = await askForPasskey(await client.auth.passkeyOptions.mutate());
        if (!passkey) return setRefused(words.noPasskey);
        await prove({ passkey });
      } else {
        await prove(method === "totp" ? { totp: code } : { recoveryCode: code });
      }
    },
    onError(error) {
      if (readFailure("auth.completeLogin", error).code !== "FACTOR_REFUSED") return;
      setRefused(method === "totp" ? words.wrongCode : words.wrongRecoveryCode);
      setCode("");
    },
  });
  const failed = complete.error && readFailure("auth.completeLogin", complete.error);
  const failure = failed && (failed.code !== "FACTOR_REFUSED" || method === "passkey") ? failed : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (complete.isPending) return;
    const schema = method === "totp" ? TotpCode : RecoveryCode;
    const issue = method === "passkey" ? undefined : schema.safeParse(code).error?.issues[0];
    setRefused(issue?.message ?? null);
    if (!issue) complete.mutate();
  };
  const label = complete.isPending ? words.submitting : words.submit;

  return (
    <form noValidate className={cardClasses.card} aria-labelledby="factor-title" onSubmit={submit}>
      <h2 id="factor-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <div className={cardClasses.fields}>
        <p>{words.lead}</p>
        {failure && <FailureNotice key={complete.submittedAt} failure={failure} takesFocus />}
        {method === "passkey" ? (
          <p role="status">{complete.isPending ? words.waiting : refused}</p>
        ) : (
          <CodeField
            key={method}
            label={method === "totp" ? words.code : words.recoveryCode}
            digits={method === "totp"}
            value={code}
            error={refused}
            onChange={(value) => {
              setCode(value);
              setRefused(null);
            }}
          />
        )}
        <Choice checked={trustDevice} onChange={setTrustDevice}>
          {words.trust}
        </Choice>
        <Button type="submit" fullWidth aria-disabled={complete.isPending}>
          {method === "passkey" ? words.passkey : label}
        </Button>
        {usable
          .filter((each) => each !== method)
          .map((each) => (
            <Button
              key={each}
              variant="default"
              fullWidth
              onClick={() => {
                setMethod(each);
                setCode("");
                setRefused(null);
                complete.reset();
              }}
            >
              {words.methods[each]}
            </Button>
          ))}
        <Button variant="subtle" onClick={() => onStartAgain()}>
          {words.startAgain}
        </Button>
      </div>
    </form>
  );
};
