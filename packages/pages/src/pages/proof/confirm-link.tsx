// What a link in a mail does when the user presses the button: the question, and how it ended.

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { cardClasses, FailureNotice, Page, ProofRefused, useBackend } from "../../parts.ts";
import styles from "./proof.module.css";

export interface ConfirmLinkProps<Answer> {
  readonly words: {
    readonly title: string;
    readonly submit: string;
    readonly submitting: string;
    readonly doneTitle: string;
    readonly advice: string;
  };
  /** What the link does. */
  readonly lead: ReactNode;
  /** The operation that `call` calls. */
  readonly path: "account.undoEmailChange" | "account.cancelDeletion";
  readonly call: () => Promise<Answer>;
  readonly done: (answer: Answer) => ReactNode;
  /** Where the user goes next. */
  readonly next: ReactNode;
}

export const ConfirmLink = <Answer,>({ words, lead, path, call, done, next }: ConfirmLinkProps<Answer>) => {
  const { readFailure } = useBackend();
  const confirm = useMutation({ mutationFn: call });
  const failure = confirm.error && readFailure(path, confirm.error);
  if (failure?.code === "PROOF_REFUSED") return <ProofRefused reason={failure.details.reason} />;
  if (confirm.isSuccess) {
    return (
      <Page title={words.doneTitle} lead={done(confirm.data)} narrow>
        <div className={`${cardClasses.card} ${cardClasses.fields}`}>
          <p className={styles.text}>{words.advice}</p>
          {next}
        </div>
      </Page>
    );
  }
  return (
    <Page title={words.title} lead={lead} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        {failure && <FailureNotice key={confirm.submittedAt} failure={failure} takesFocus />}
        <Button aria-disabled={confirm.isPending} onClick={() => !confirm.isPending && confirm.mutate()}>
          {confirm.isPending ? words.submitting : words.submit}
        </Button>
      </div>
    </Page>
  );
};
