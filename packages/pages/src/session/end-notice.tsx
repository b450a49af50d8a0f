// Shows why the user is no longer signed in, and what to do about it.

import type { SessionEndReason } from "@lockstep/kit";
import { Alert } from "@mantine/core";
import { useAppContext } from "../app/context.ts";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";

/** Shows why the session ended. `reason` is `null` if there was no session. */
export const EndNotice = ({ reason }: { reason: SessionEndReason | null }) => {
  const { steps } = useAppContext();
  const words = useWords("session", sessionWords).ended;
  if (steps.left()) return <Alert role="status">{words.left}</Alert>;
  if (reason === null) return null;
  if (reason === "signed_out") return <Alert role="status">{words.signedOutElsewhere}</Alert>;
  const { title, text } = words.reasons[reason];
  return (
    <Alert role={reason === "reused" ? "alert" : "status"} color={reason === "reused" ? "red" : "yellow"} title={title}>
      {text}
    </Alert>
  );
};
