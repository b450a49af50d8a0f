// Owns asking for a proof: the limits, and the mail with the code. Whether an account exists, has the address, or may
// get a mail changes neither the answer nor the work: the same statements run, and a mail that must not go out is written
// and undone in the same transaction (OWASP ASVS 6.3.8).

import { sql } from "kysely";
import type { Db } from "../../db/database.ts";
import type { Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import { network } from "../kernel/ip-addresses.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Mail } from "../mail/mails.ts";
import type { Messages } from "../mail/messages.ts";
import { type IssuedProof, type NewProof, type Proofs, proofLifetimeSeconds } from "./proofs.ts";

/** The mails of an hour to one address (`mail/messages.ts`). Then the next request has to wait as long. */
const perName = { free: 5, firstWaitSeconds: 60 * 60, maxWaitSeconds: 60 * 60 };
/** Higher, since many people can share an address. */
const perNetwork = { free: 30, maxWaitSeconds: 15 * 60 };

/** Who asks for a proof, and by what they are recognised afterwards. */
export interface Asker {
  /** The secret in the cookie of the browser. `null`: a client without cookies. */
  readonly browser: string | null;
  readonly source: Source;
}

export interface ProofRequest extends NewProof {
  /** The mail with the proof, or with what else its reader should know. `null`: none, as nobody may get one. */
  readonly mail: ((issued: IssuedProof, expiresAt: number) => Mail) | null;
  readonly source: Source;
}

export type ProofRequests = ReturnType<typeof createProofRequests>;

export const createProofRequests = ({
  db,
  now,
  random,
  proofs,
  messages,
  throttle,
}: {
  db: Db;
  now: Now;
  random: Random;
  proofs: Proofs;
  messages: Messages;
  throttle: Throttle;
}) => {
  /** A mail as large as the others, to nobody. */
  const mailToNobody = ({ code, secret }: IssuedProof, expiresAt: number): Mail => ({
    template: "recovery",
    to: `${randomId(random)}@nobody.invalid`,
    userId: null,
    data: { username: "nobody", code, secret },
    expiresAt,
  });

  return {
    /** @throws DomainError `MAIL_OFF` */
    assertMail(): void {
      if (!messages.on) throw new DomainError("MAIL_OFF");
    },

    /**
     * Issues a proof, sends its mail, and returns its ID.
     * @throws DomainError `MAIL_OFF`, `TOO_MANY_ATTEMPTS`
     */
    async request({ mail, source, ...proof }: ProofRequest): Promise<{ proofId: string }> {
      this.assertMail();
      await throttle.countGuess([
        // By what was typed, never by the account: the wait would tell that two names are one account's.
        { name: `proof:${proof.asked}`, limit: perName },
        { name: `proofs:network:${network(source.address ?? "")}`, limit: perNetwork },
      ]);
      const expiresAt = now() + proofLifetimeSeconds * 1000;
      return db.transaction().execute(async (transaction) => {
        await throttle.lock(`proof:${proof.userId ?? proof.asked}`, transaction);
        const issued = await proofs.issueWithin(transaction, proof);
        await sql`savepoint mail`.execute(transaction);
        await messages.sendRequested((mail ?? mailToNobody)(issued, expiresAt), transaction);
        await (mail ? sql`release savepoint mail` : sql`rollback to savepoint mail`).execute(transaction);
        return { proofId: issued.id };
      });
    },
  };
};
