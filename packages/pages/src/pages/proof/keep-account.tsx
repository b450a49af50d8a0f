// Cancels the deletion of an account, with the link of a mail or of a sign-in.

import { ButtonLink, Moment, paths, useBackend, useWords } from "../../parts.ts";
import { ConfirmLink } from "./confirm-link.tsx";
import { proofWords } from "./words.tsx";

/** `deletesAt`: when the account is deleted, in epoch milliseconds. */
export const KeepAccount = ({ secret, deletesAt }: { secret: string; deletesAt: number }) => {
  const { client } = useBackend();
  const words = useWords("proof", proofWords).keep;
  return (
    <ConfirmLink
      words={words}
      lead={words.lead(<Moment at={deletesAt} />)}
      path="account.cancelDeletion"
      call={() => client.account.cancelDeletion.mutate({ secret })}
      done={({ username }) => words.done(<strong>{username}</strong>)}
      next={
        <>
          <ButtonLink href={paths.signIn}>{words.signIn}</ButtonLink>
          <ButtonLink href={paths.recover}>{words.newPassword}</ButtonLink>
        </>
      }
    />
  );
};
