// The page that says why a code or a link does not work, and what to do.

import type { ProofRefusalReason } from "@lockstep/kit";
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Page } from "../layout/page.tsx";
import { useWords } from "../words/words.ts";
import { proofsWords } from "./words.ts";

/** The props of `ProofRefused`. */
export interface ProofRefusedProps {
  readonly reason: ProofRefusalReason;
  /** Starts again. Without it, the user starts somewhere else. */
  readonly onStartAgain?: () => void;
  /** Other things to do: links. */
  readonly children?: ReactNode;
}

/** Says why a code or a link does not work. */
export const ProofRefused = ({ reason, onStartAgain, children }: ProofRefusedProps) => {
  const { refused, startAgain } = useWords("proofs", proofsWords);
  const { title, text } = refused[reason];
  return (
    <Page title={title} lead={text} narrow>
      {onStartAgain && <Button onClick={onStartAgain}>{startAgain}</Button>}
      {children}
    </Page>
  );
};
