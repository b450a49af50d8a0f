// Owns challenges: some work that a browser does in a second, and that a program which makes many attempts has to do for each
// of them. Made and verified by `altcha-lib`; solved by `@lockstep/client`. A challenge is for one kind of call, for a few
// minutes, and works once. Nothing is stored before it is solved.

import type { Challenge } from "@lockstep/kit";
import { createChallenge, verifySolution } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import { z } from "zod";
import type { Now } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";

/** What a challenge is for. */
export type ChallengeKind = "sign_up" | "sign_in" | "recover";

/** Long enough for a slow phone and a form that is filled in meanwhile. */
export const challengeLifetimeSeconds = 5 * 60;

/** One key in 256 begins with these digits. */
const work = { algorithm: "PBKDF2/SHA-256", keyLength: 32, keyPrefix: "00" } as const;

/** Iterations of each try: a third of a second of a desktop computer in total, on average. */
export const challengeCost = 10_000;

/** The JSON of a solution. Unknown parameters stay: the signature is over all of them. */
const Solved = z.object({
  challenge: z.object({
    parameters: z.looseObject({
      algorithm: z.string(),
      nonce: z.string(),
      salt: z.string(),
      cost: z.number(),
      keyLength: z.number(),
      keyPrefix: z.string(),
      data: z.object({ kind: z.string(), until: z.number() }),
    }),
    signature: z.string(),
  }),
  solution: z.object({ counter: z.number(), derivedKey: z.string() }),
});

const parse = (text: string): z.infer<typeof Solved> | null => {
  try {
    return Solved.safeParse(JSON.parse(Buffer.from(text, "base64").toString("utf8"))).data ?? null;
  } catch {
    return null;
  }
};

export type Challenges = ReturnType<typeof createChallenges>;

export const createChallenges = ({
  now,
  secrets,
  spentIds,
  cost,
}: {
  now: Now;
  secrets: Secrets;
  spentIds: Pick<SpentIds, "spend">;
  cost: number;
}) => {
  /** The library takes a text. */
  const keys = secrets.keysFor("challenges").map((key) => key.export().toString("base64url"));
  const [currentKey = ""] = keys;

  return {
    async create(kind: ChallengeKind): Promise<Challenge> {
      const data = { kind, until: now() + challengeLifetimeSeconds * 1000 };
      const options = { ...work, cost, data, deriveKey, hmacSignatureSecret: currentKey };
      const { parameters, signature = "" } = await createChallenge(options);
      return { parameters: { ...parameters, ...work, data }, signature };
    },

    /** Whether the text solves a challenge of this kind that we made, and is the first to. */
    async redeem(kind: ChallengeKind, text: string): Promise<boolean> {
      const solved = parse(text);
      if (!solved) return false;
      const { parameters } = solved.challenge;
      if (parameters.data.kind !== kind || parameters.data.until <= now()) return false;
      for (const hmacSignatureSecret of keys) {
        const { verified } = await verifySolution({ ...solved, deriveKey, hmacSignatureSecret });
        if (verified) return spentIds.spend("challenge", parameters.nonce, challengeLifetimeSeconds);
      }
      return false;
    },
  };
};
