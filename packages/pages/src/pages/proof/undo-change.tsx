// Undoes a change of the address, with the link that the old address got.

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import {
  ButtonLink,
  cardClasses,
  FailureNotice,
  Page,
  ProofRefused,
  paths,
  useBackend,
  useWords,
} from "../../parts.ts";
import styles from "./proof.module.css";
import { proofWords } from "./words.tsx";

export const UndoChange = ({ secret, email }: { secret: string; email: string }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("proof", proofWords).undo;
  const undo = useMutation({ mutationFn: () => client.account.undoEmailChange.mutate({ secret }) });
  const failure = undo.error && readFailure("account.undoEmailChange", undo.error);
  if (failure?.code === "PROOF_REFUSED") return <ProofRefused reason={failure.details.reason} />;
  if (undo.data) {
    return (
      <Page title={words.doneTitle} lead={words.done(<strong>{undo.data.email}</strong>)} narrow>
        <div className={`${cardClasses.card} ${cardClasses.fields}`}>
          <p className={styles.text}>{words.advice}</p>
          <ButtonLink href={paths.recover}>{words.newPassword}</ButtonLink>
        </div>
      </Page>
    );
  }
  return (
    <Page title={words.title} lead={words.lead(<strong>{email}</strong>)} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        {failure && <FailureNotice key={undo.submittedAt} failure={failure} takesFocus />}
        <Button aria-disabled={undo.isPending} onClick={() => !undo.isPending && undo.mutate()}>
          {undo.isPending ? words.submitting : words.submit}
        </Button>
      </div>
    </Page>
  );
};
