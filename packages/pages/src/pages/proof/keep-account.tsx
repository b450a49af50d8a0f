// Cancels the deletion of an account, with the link of a mail or of a sign-in.

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import {
  ButtonLink,
  cardClasses,
  FailureNotice,
  Moment,
  Page,
  ProofRefused,
  paths,
  useBackend,
  useWords,
} from "../../parts.ts";
import styles from "./proof.module.css";
import { proofWords } from "./words.tsx";

/** `deletesAt`: when the account is deleted, in epoch milliseconds. */
export const KeepAccount = ({ secret, deletesAt }: { secret: string; deletesAt: number }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("proof", proofWords).keep;
  const keep = useMutation({ mutationFn: () => client.account.cancelDeletion.mutate({ secret }) });
  const failure = keep.error && readFailure("account.cancelDeletion", keep.error);
  if (failure?.code === "PROOF_REFUSED") return <ProofRefused reason={failure.details.reason} />;
  if (keep.data) {
    return (
      <Page title={words.doneTitle} lead={words.done(<strong>{keep.data.username}</strong>)} narrow>
        <div className={`${cardClasses.card} ${cardClasses.fields}`}>
          <p className={styles.text}>{words.advice}</p>
          <ButtonLink href={paths.signIn}>{words.signIn}</ButtonLink>
          <ButtonLink href={paths.recover}>{words.newPassword}</ButtonLink>
        </div>
      </Page>
    );
  }
  return (
    <Page title={words.title} lead={words.lead(<Moment at={deletesAt} />)} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        {failure && <FailureNotice key={keep.submittedAt} failure={failure} takesFocus />}
        <Button aria-disabled={keep.isPending} onClick={() => !keep.isPending && keep.mutate()}>
          {keep.isPending ? words.submitting : words.submit}
        </Button>
      </div>
    </Page>
  );
};
