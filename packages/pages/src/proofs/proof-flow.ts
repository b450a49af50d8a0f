// Owns the steps of a page that asks for a proof: what for, the code, and what needs the code. Each step is an entry of the
// browser's history: "Back" leads to the step before, and a reload stays, as on phones after a look at the mail. The
// entry has the ID of the proof, which works in this browser only, and the code, which works for ten minutes.

import type { ProofRefusalReason } from "@lockstep/kit";
import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { z } from "zod";

const AskedProof = z.object({
  proofId: z.string(),
  /** What the user typed: an e-mail address, or a username. */
  sentTo: z.string(),
  /** Epoch milliseconds. */
  sentAt: z.number(),
  /** `null`: not typed yet. */
  code: z.string().nullable(),
});
/** A proof that the user asked for. */
export type AskedProof = z.infer<typeof AskedProof>;

/** The state of the history entry that continues a page with a proof and its code. */
export const proofState = (proof: Omit<AskedProof, "sentAt">): AskedProof => ({ ...proof, sentAt: Date.now() });

/** The details of the error `PROOF_REFUSED`. */
interface Refusal {
  readonly reason: ProofRefusalReason;
  readonly triesLeft: number;
}

/** The steps of a page that asks for a proof. */
export interface ProofFlow {
  /** `null`: the user has not asked yet. */
  readonly proof: AskedProof | null;
  /** What was typed last on the first step. */
  readonly typed: string;
  /** How many more codes can be tried after a wrong one. */
  readonly triesLeft: number | null;
  /** Why the user has to start again. */
  readonly refused: ProofRefusalReason | null;
  /** Continues with the code of a proof. */
  ask(proofId: string, sentTo: string): void;
  /** Continues with what needs the code. */
  enter(code: string): void;
  /** Replaces the proof by a newer one. */
  replace(proofId: string): void;
  /** Continues as a refusal demands: at the code if it was wrong, otherwise from the start. */
  refuse(refusal: Refusal): void;
  /** Continues from the start. */
  restart(): void;
}

/** The steps of this page. */
export const useProofFlow = (): ProofFlow => {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const proof = AskedProof.safeParse(useHistoryState()).data ?? null;
  const [typed, setTyped] = useState(proof?.sentTo ?? "");
  const [triesLeft, setTriesLeft] = useState<number | null>(null);
  const [refused, setRefused] = useState<ProofRefusalReason | null>(null);

  const show = (state: AskedProof | null, replace: boolean) => {
    setTriesLeft(null);
    setRefused(null);
    navigate(search ? `${path}?${search}` : path, { state, replace });
  };
  return {
    proof,
    typed,
    triesLeft,
    refused,
    ask(proofId, sentTo) {
      setTyped(sentTo);
      show(proofState({ proofId, sentTo, code: null }), false);
    },
    enter(code) {
      if (proof) show({ ...proof, code }, false);
    },
    replace(proofId) {
      if (proof) show(proofState({ ...proof, proofId, code: null }), true);
    },
    refuse(refusal) {
      const canRetry = proof !== null && refusal.reason === "wrong_code" && refusal.triesLeft > 0;
      show(canRetry ? { ...proof, code: null } : null, true);
      if (canRetry) setTriesLeft(refusal.triesLeft);
      else setRefused(refusal.reason);
    },
    restart: () => show(null, true),
  };
};
