// The page that asks for the code that was sent by mail, and can send another.

import { ProofCode } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { z } from "zod";
import { useBackend } from "../app/context.ts";
import { useSecondsLeft } from "../failures/countdown.tsx";
import type { AnyFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { useForm } from "../forms/use-form.ts";
import { cardClasses } from "../layout/card.ts";
import { Page } from "../layout/page.tsx";
import { useWords } from "../words/words.ts";
import type { AskedProof, ProofFlow } from "./proof-flow.ts";
import styles from "./proofs.module.css";
import { proofsWords } from "./words.ts";

/** Mails take a moment to arrive. */
const resendAfterSeconds = 30;

const CodeInput = z.object({ code: ProofCode });

/** The props of `CheckMail`. */
export interface CheckMailProps {
  readonly proof: AskedProof;
  readonly flow: ProofFlow;
  /** Says where the code was sent. */
  readonly lead: ReactNode;
  readonly submitLabel: string;
  /** The label of the button to type another address. */
  readonly changeLabel: string;
  /** Whether the call that needs the code is running. */
  readonly busy?: boolean;
  /** Why that call failed, if it was not for the code. */
  readonly failure?: AnyFailure | null;
  readonly onCode: (code: string) => void;
}

/** Asks for the code of a proof. */
export const CheckMail = (props: CheckMailProps) => {
  const { proof, flow, busy = false } = props;
  const words = useWords("proofs", proofsWords);
  const form = useForm({
    initialValues: { code: "" },
    schema: CodeInput,
    onSubmit: ({ code }) => {
      if (!busy) props.onCode(code);
    },
  });
  const { triesLeft } = flow;
  useEffect(() => {
    if (triesLeft === null) return;
    form.refuse({ code: words.wrong(triesLeft) });
    form.select("code");
  }, [triesLeft]);
  return (
    <Page title={words.title} lead={props.lead} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <form noValidate className={cardClasses.fields} onSubmit={form.submit}>
          {props.failure && <FailureNotice failure={props.failure} takesFocus />}
          <TextInput
            label={words.code}
            description={form.errors.code ? null : words.hint}
            required
            autoComplete="one-time-code"
            autoCapitalize="characters"
            autoCorrect="off"
            spellCheck={false}
            classNames={{ input: styles.codeInput ?? "" }}
            {...form.field("code")}
          />
          <Button type="submit" fullWidth aria-disabled={busy}>
            {props.submitLabel}
          </Button>
        </form>
        <Resend proof={proof} flow={flow} />
        <Button variant="subtle" size="sm" onClick={flow.restart}>
          {props.changeLabel}
        </Button>
      </div>
      <p className={styles.aside}>{words.notFound}</p>
    </Page>
  );
};

const Resend = ({ proof, flow }: Pick<CheckMailProps, "proof" | "flow">) => {
  const { client, readFailure } = useBackend();
  const words = useWords("proofs", proofsWords);
  const secondsLeft = useSecondsLeft(proof.sentAt + resendAfterSeconds * 1000);
  const resend = useMutation({
    mutationFn: () => client.account.resendProof.mutate({ proofId: proof.proofId }),
    onSuccess: ({ proofId }) => flow.replace(proofId),
    onError(error) {
      const failure = readFailure("account.resendProof", error);
      if (failure.code === "PROOF_REFUSED") flow.refuse(failure.details);
    },
  });
  const failure = resend.error && readFailure("account.resendProof", resend.error);
  const waits = secondsLeft > 0 || resend.isPending;
  const label = () => {
    if (resend.isPending) return words.resending;
    return secondsLeft > 0 ? words.resendIn(secondsLeft) : words.resend;
  };
  return (
    <>
      {failure && failure.code !== "PROOF_REFUSED" && (
        <FailureNotice key={resend.submittedAt} failure={failure} takesFocus />
      )}
      <Button variant="default" size="sm" aria-disabled={waits} onClick={() => !waits && resend.mutate()}>
        {label()}
      </Button>
      <p role="status" className={styles.status}>
        {resend.isSuccess && words.resent}
      </p>
    </>
  );
};
