// Shows the code of a proof in another browser than the one that asked for it.

import type { ProofPurpose } from "@lockstep/kit";
import { cardClasses, Page, ProofRefused, useSecondsLeft, useWords } from "../../parts.ts";
import styles from "./proof.module.css";
import { proofWords } from "./words.tsx";

export interface ShownCodeProps {
  readonly purpose: Exclude<ProofPurpose, "email_undo" | "deletion_cancel">;
  readonly email: string;
  readonly code: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export const ShownCode = ({ purpose, email, code, expiresAt }: ShownCodeProps) => {
  const words = useWords("proof", proofWords).elsewhere;
  const secondsLeft = useSecondsLeft(expiresAt);
  if (secondsLeft === 0) return <ProofRefused reason="expired" />;
  return (
    <Page title={words.title} lead={words.lead} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <p className={styles.code}>
          {code.slice(0, 4)}-{code.slice(4)}
        </p>
        <p className={styles.text}>{words.purposes[purpose](<strong>{email}</strong>)}</p>
        <p className={styles.text}>{words.validFor(Math.ceil(secondsLeft / 60))}</p>
        <p className={styles.caution}>{words.caution}</p>
      </div>
    </Page>
  );
};
