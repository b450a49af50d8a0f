// Owns passkeys (WebAuthn Level 3): the challenges, and the checks of answers, around `@simplewebauthn/server`. A passkey
// is stored on its device (a resident key), verifies its user, and so counts as two factors. Challenges are sealed, not
// stored: sign-in pages ask for one at each visit. Each works once.

import { isIP } from "node:net";
import type { Enrolment, FactorList, NewPasskey, PasskeyAnswer, PasskeyOptions, User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import type { CheckedFactor } from "./second-factors.ts";

/** How long a person may take, and how long a sign-in page may stay open before it asks again. */
const challengeSeconds = 10 * 60;

/** EdDSA, ES256 and RS256 (COSE): the last one for Windows Hello. */
const algorithms = [-8, -7, -257];

/** WebAuthn Level 3 §13.4.3: at least 16 bytes. */
const challengeBytes = 32;

interface Challenge {
  readonly id: string;
  readonly challenge: string;
}

/** A passkey that was just made. */
export interface VerifiedPasskey {
  readonly credentialId: string;
  /** The public key (COSE), base64url. */
  readonly publicKey: string;
  readonly counter: number;
}

export type Passkeys = ReturnType<typeof createPasskeys>;

export const createPasskeys = ({
  db,
  now,
  random,
  sealed,
  spentIds,
  publicUrl,
  relatedOrigins,
  productName,
}: {
  db: Db;
  now: Now;
  random: Random;
  sealed: Sealed;
  spentIds: SpentIds;
  publicUrl: string;
  /** Other origins whose pages may use the passkeys of this one. @see WebAuthn Level 3 §5.11 */
  relatedOrigins: readonly string[];
  productName: string;
}) => {
  const rpId = new URL(publicUrl).hostname;
  const on = isIP(rpId) === 0 && !rpId.startsWith("[");
  const origins = [publicUrl, ...relatedOrigins];

  const assertOn = () => {
    if (!on) throw new DomainError("PASSKEYS_OFF");
  };

  const newChallenge = () => Buffer.from(random(challengeBytes)).toString("base64url");

  /** Spends a challenge, whatever becomes of the answer. @throws DomainError `CHALLENGE_EXPIRED` */
  const spend = async (challengeId: string): Promise<Challenge> => {
    const opened = await sealed.open<Challenge>("passkey-challenges", challengeId);
    if (!opened || !(await spentIds.spend("challenge", opened.id, challengeSeconds)))
      throw new DomainError("CHALLENGE_EXPIRED");
    return opened;
  };

  const checks = (challenge: string) => ({
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: rpId,
    requireUserVerification: true,
  });

  const credentialIdsOf = async (userId: string): Promise<string[]> => {
    const rows = await db
      .selectFrom("factors")
      .select("credential_id")
      .where("user_id", "=", userId)
      .where("kind", "=", "passkey")
      .execute();
    return rows.map((row) => row.credential_id ?? "");
  };

  return {
    /** Whether passkeys work at the address of this server: they belong to a domain, and an IP address has none. */
    on,
    /** Origins that browsers let use our passkeys, for `/.well-known/webauthn`. */
    relatedOrigins,
    newChallenge,

    /** What a browser needs to ask for any passkey of this service. @throws DomainError `PASSKEYS_OFF` */
    async options(): Promise<PasskeyOptions> {
      assertOn();
      const challenge = newChallenge();
      const sealedChallenge: Challenge = { id: randomId(random), challenge };
      return {
        challengeId: await sealed.seal("passkey-challenges", sealedChallenge, challengeSeconds),
        options: { challenge, rpId, timeout: challengeSeconds * 1000, userVerification: "required" },
      };
    },

    /** What a browser needs to make a passkey. @throws DomainError `PASSKEYS_OFF` */
    async creationOptions(
      { id, username, fullName }: User,
      challenge: string,
    ): Promise<Extract<Enrolment, { kind: "passkey" }>["options"]> {
      assertOn();
      const known = await credentialIdsOf(id);
      return {
        rp: { id: rpId, name: productName },
        user: { id: userHandleOf(id), name: username, displayName: fullName },
        challenge,
        pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
        timeout: challengeSeconds * 1000,
        excludeCredentials: known.map((credentialId) => ({ id: credentialId, type: "public-key" })),
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        attestation: "none",
      };
    },

    /** What a browser needs to know to offer this user's passkeys and no others. */
    async accepted(userId: string): Promise<FactorList["passkeys"]> {
      if (!on) return null;
      return { rpId, userHandle: userHandleOf(userId), credentialIds: await credentialIdsOf(userId) };
    },

    /** Checks a new passkey. `null`: it is not one that was made for this challenge, here, by a verified user. */
    async verifyNew(passkey: NewPasskey, challenge: string): Promise<VerifiedPasskey | null> {
      if (isFramed(passkey.response.clientDataJSON)) return null;
      const { verifyRegistrationResponse } = await import("@simplewebauthn/server");
      const { id, rawId, type, response } = passkey;
      const { clientDataJSON } = response;
      const attestationObject = await withoutAttestation(response.attestationObject);
      if (attestationObject === null) return null;
      const { registrationInfo } = await verifyRegistrationResponse({
        ...checks(challenge),
        response: { id, rawId, type, response: { clientDataJSON, attestationObject }, clientExtensionResults: {} },
        supportedAlgorithmIDs: algorithms,
      }).catch(unverified);
      if (!registrationInfo) return null;
      const { credential } = registrationInfo;
      return {
        credentialId: credential.id,
        publicKey: Buffer.from(credential.publicKey).toString("base64url"),
        counter: credential.counter,
      };
    },

    /**
     * Checks the answer of a passkey, and says whose it is. `null`: nobody has such a passkey, or its answer is wrong.
     * @throws DomainError `CHALLENGE_EXPIRED`, `PASSKEYS_OFF`
     */
    async check({ challengeId, credential }: PasskeyAnswer): Promise<(CheckedFactor & { userId: string }) | null> {
      assertOn();
      const { challenge } = await spend(challengeId);
      const row = await db
        .selectFrom("factors")
        .select(["id", "user_id", "credential_id", "material", "counter"])
        .where("credential_id", "=", credential.id)
        .executeTakeFirst();
      const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
      // WebAuthn Level 3 §7.2: a resident key says whose it is.
      if (!row || userHandle !== userHandleOf(row.user_id) || isFramed(clientDataJSON)) return null;
      const { verifyAuthenticationResponse } = await import("@simplewebauthn/server");
      const { id, rawId, type } = credential;
      const verification = await verifyAuthenticationResponse({
        ...checks(challenge),
        response: {
          id,
          rawId,
          type,
          response: { clientDataJSON, authenticatorData, signature, userHandle },
          clientExtensionResults: {},
        },
        credential: {
          id: credential.id,
          publicKey: Buffer.from(row.material, "base64url"),
          counter: row.counter,
        },
      }).catch(unverified);
      if (!verification.verified) return null;
      const { newCounter } = verification.authenticationInfo;
      return {
        userId: row.user_id,
        proved: { method: "passkey", at: now(), factorId: row.id },
        async spendWithin(transaction) {
          const spent = await transaction
            .updateTable("factors")
            .set({ counter: newCounter, last_used_at: now() })
            .where("id", "=", row.id)
            // A counter that does not grow was copied (§6.1.1). Passkeys that are synchronized have none.
            .where((eb) => (newCounter === 0 ? eb("counter", "=", 0) : eb("counter", "<", newCounter)))
            .returning("id")
            .executeTakeFirst();
          return spent !== undefined;
        },
      };
    },
  };
};

/** What a passkey knows its account by: random, like every ID here (WebAuthn Level 3 §14.6.1). */
const userHandleOf = (userId: string): string => Buffer.from(userId).toString("base64url");

/** The library throws for whatever it refuses. */
const unverified = () => ({ verified: false as const, registrationInfo: undefined, authenticationInfo: undefined });

/**
 * An attestation object (WebAuthn Level 3 §6.5.4) without the attestation, which nobody asked for: not even a bad one is a
 * reason to refuse a passkey. The library would request the revocation lists that its certificates name, from any address.
 * `null`: it is none.
 */
const withoutAttestation = async (attestationObject: string): Promise<string | null> => {
  const { isoCBOR } = await import("@simplewebauthn/server/helpers");
  try {
    const content: unknown = isoCBOR.decodeFirst(new Uint8Array(Buffer.from(attestationObject, "base64url")));
    const authData: unknown = content instanceof Map ? content.get("authData") : null;
    if (!(authData instanceof Uint8Array)) return null;
    const entries: [string, string | Map<string, string> | Uint8Array][] = [
      ["fmt", "none"],
      ["attStmt", new Map<string, string>()],
      ["authData", authData],
    ];
    return Buffer.from(isoCBOR.encode(new Map(entries))).toString("base64url");
  } catch {
    return null;
  }
};

/** Whether a page of another origin had our page in a frame, which it never may. The library allows it without `topOrigin`. */
const isFramed = (clientDataJSON: string): boolean => {
  try {
    const data = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString()) as { crossOrigin?: unknown };
    return data.crossOrigin === true;
  } catch {
    return true;
  }
};
