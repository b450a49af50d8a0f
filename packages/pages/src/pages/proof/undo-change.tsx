// Undoes a change of the address, with the link that the old address got.

import { ButtonLink, paths, useBackend, useWords } from "../../parts.ts";
import { ConfirmLink } from "./confirm-link.tsx";
import { proofWords } from "./words.tsx";

export const UndoChange = ({ secret, email: oldEmail }: { secret: string; email: string }) => {
  const { client } = useBackend();
  const words = useWords("proof", proofWords).undo;
  return (
    <ConfirmLink
      words={words}
      lead={words.lead(<strong>{oldEmail}</strong>)}
      path="account.undoEmailChange"
      call={() => client.account.undoEmailChange.mutate({ secret })}
      done={({ email }) => words.done(<strong>{email}</strong>)}
      next={<ButtonLink href={paths.recover}>{words.newPassword}</ButtonLink>}
    />
  );
};
