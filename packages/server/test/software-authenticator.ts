// A passkey in software, as a browser and an authenticator would answer together (WebAuthn Level 3 §6). Every rule that
// they keep can be broken, to show that the server checks it.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Enrolment, NewPasskey, PasskeyAnswer, PasskeyOptions } from "@lockstep/kit";
import { isoCBOR } from "@simplewebauthn/server/helpers";

interface Credential {
  readonly privateKey: KeyObject;
  readonly userHandle: string;
  counter: number;
}

/** What a browser and an authenticator should not do. */
export interface Mischief {
  readonly origin?: string;
  readonly rpId?: string;
  readonly userVerified?: boolean;
  readonly challenge?: string;
  /** Whether a page of another origin has ours in a frame. */
  readonly crossOrigin?: boolean;
  readonly userHandle?: string;
  /** Signs with another key. */
  readonly forged?: boolean;
  /** Repeats the counter of the last use. */
  readonly copied?: boolean;
  /** What the browser says was asked for. */
  readonly type?: string;
  /** Claims the ID of another passkey. */
  readonly credentialId?: string;
  /** Says where the key was made, unasked. */
  readonly attestation?: { readonly fmt: string; readonly attStmt: Map<string, unknown> };
}

const flags = { userPresent: 0x01, userVerified: 0x04, backupEligible: 0x08, backedUp: 0x10, attested: 0x40 };

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest();
const base64url = (data: Uint8Array | string) => Buffer.from(data).toString("base64url");
const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/**
 * @param origin the page's
 * @param counts whether it has a signature counter. Passkeys that are synchronized have none
 */
export const createAuthenticator = ({ origin, counts = false }: { origin: string; counts?: boolean }) => {
  const credentials = new Map<string, Credential>();

  const clientData = (type: string, challenge: string, mischief: Mischief) =>
    Buffer.from(
      JSON.stringify({
        type: mischief.type ?? type,
        challenge: mischief.challenge ?? challenge,
        origin: mischief.origin ?? origin,
        crossOrigin: mischief.crossOrigin ?? false,
      }),
    );

  const authenticatorData = (rpId: string, counter: number, { userVerified = true }: Mischief, attested?: Buffer) => {
    const header = Buffer.alloc(5);
    header[0] =
      flags.userPresent |
      (userVerified ? flags.userVerified : 0) |
      (counts ? 0 : flags.backupEligible | flags.backedUp) |
      (attested ? flags.attested : 0);
    header.writeUInt32BE(counter, 1);
    return Buffer.concat([sha256(rpId), header, attested ?? Buffer.alloc(0)]);
  };

  return {
    credentials,

    /** `navigator.credentials.create`. */
    create({ options }: Extract<Enrolment, { kind: "passkey" }>, mischief: Mischief = {}): NewPasskey {
      const { privateKey, publicKey } = newKey();
      const id = mischief.credentialId ? Buffer.from(mischief.credentialId, "base64url") : randomBytes(16);
      const { x = "", y = "" } = publicKey.export({ format: "jwk" });
      // COSE (RFC 9053 §7.1.1): EC2, ES256, P-256.
      const cose = isoCBOR.encode(
        new Map<number, number | Uint8Array>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, new Uint8Array(Buffer.from(x, "base64url"))],
          [-3, new Uint8Array(Buffer.from(y, "base64url"))],
        ]),
      );
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, cose]);
      const authData = authenticatorData(mischief.rpId ?? options.rp.id, 0, mischief, attested);
      credentials.set(base64url(id), { privateKey, userHandle: options.user.id, counter: 0 });
      return {
        id: base64url(id),
        rawId: base64url(id),
        type: "public-key",
        response: {
          clientDataJSON: base64url(clientData("webauthn.create", options.challenge, mischief)),
          attestationObject: base64url(
            isoCBOR.encode(
              new Map<string, string | Map<string, string> | Uint8Array>([
                ["fmt", mischief.attestation?.fmt ?? "none"],
                ["attStmt", (mischief.attestation?.attStmt ?? new Map()) as Map<string, string>],
                ["authData", new Uint8Array(authData)],
              ]),
            ),
          ),
        },
      };
    },

    /** `navigator.credentials.get`, with the passkey that was made last. */
    get(
      { challengeId, options }: PasskeyOptions,
      { userHandle, ...mischief }: Mischief = {},
      id = [...credentials.keys()].at(-1) ?? "",
    ): PasskeyAnswer {
      const credential = credentials.get(id);
      if (!credential) throw new Error("There is no passkey");
      if (counts && !mischief.copied) credential.counter++;
      const clientDataJson = clientData("webauthn.get", options.challenge, mischief);
      const authData = authenticatorData(mischief.rpId ?? options.rpId, credential.counter, mischief);
      const signed = Buffer.concat([authData, sha256(clientDataJson)]);
      const key = mischief.forged ? newKey().privateKey : credential.privateKey;
      return {
        challengeId,
        credential: {
          id,
          rawId: id,
          type: "public-key",
          response: {
            clientDataJSON: base64url(clientDataJson),
            authenticatorData: base64url(authData),
            signature: base64url(sign("sha256", signed, { key, dsaEncoding: "der" })),
            userHandle: userHandle ?? credential.userHandle,
          },
        },
      };
    },
  };
};
