// Owns access tokens: JWTs by RFC 9068, signed by the key ring. Whether their session still lives: `guard.ts`.

import { isScope, type Scope } from "@lockstep/contract";
import { errors as joseErrors, jwtVerify, SignJWT } from "jose";
import { type Now, type Random, randomId } from "./environment.ts";
import { type Keyring, signingAlgorithm } from "./keyring.ts";

/** How long an access token is good for by itself. */
export const accessTokenLifetimeSeconds = 10 * 60;

/** How far the clocks of two servers may be apart. */
const clockToleranceSeconds = 5;

/** The `client_id` of our own apps. */
export const firstPartyClientId = "first-party";

/** RFC 7515 §7.1: three parts of base64url, without padding. */
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export interface AccessTokenClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
}

export interface VerifiedToken extends AccessTokenClaims {
  /** The key that signed it. */
  readonly keyId: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export type Tokens = ReturnType<typeof createTokens>;

export const createTokens = ({
  keyring,
  issuer,
  now,
  random,
}: {
  keyring: Keyring;
  /** This server's public URL: who issues, and, as its own resource server, whom tokens are for. */
  issuer: string;
  now: Now;
  random: Random;
}) => ({
  /** A signed access token. @see RFC 9068 §2 */
  async issue(claims: AccessTokenClaims): Promise<{ accessToken: string; expiresInSeconds: number }> {
    const key = keyring.signing();
    const issuedAt = Math.floor(now() / 1000);
    const accessToken = await new SignJWT({
      client_id: claims.clientId,
      scope: claims.scopes.join(" "),
      sid: claims.sessionId,
    })
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "at+jwt" })
      .setIssuer(issuer)
      .setAudience(issuer)
      .setSubject(claims.userId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenLifetimeSeconds)
      .setJti(randomId(random))
      .sign(key.privateKey);
    return { accessToken, expiresInSeconds: accessTokenLifetimeSeconds };
  },

  /** What a token says, if we signed it as an access token for this server and it is in its time; else `null`. */
  async verify(accessToken: string): Promise<VerifiedToken | null> {
    if (!compactJws.test(accessToken)) return null;
    try {
      const { payload, protectedHeader } = await jwtVerify(
        accessToken,
        // RFC 8725 §3.10: only `kid`, and only among our own keys; `jku`, `x5u` and `jwk` are never looked at.
        async ({ kid }) => {
          const key = kid === undefined ? null : await keyring.find(kid);
          if (!key) throw new joseErrors.JWKSNoMatchingKey();
          return key.publicKey;
        },
        {
          algorithms: [signingAlgorithm], // RFC 8725 §3.1
          typ: "at+jwt", // RFC 9068 §4
          issuer, // RFC 9068 §4
          audience: issuer, // RFC 9068 §4
          requiredClaims: ["iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "sid"], // RFC 9068 §2.2
          currentDate: new Date(now()),
          clockTolerance: clockToleranceSeconds,
        },
      );
      // RFC 9449 §7.2: a token bound to a key is no bearer token.
      if (payload["cnf"] !== undefined) return null;
      const { sub, sid, client_id, scope, exp } = payload;
      const { kid } = protectedHeader;
      if (!sub || typeof sid !== "string" || typeof client_id !== "string" || typeof scope !== "string") return null;
      if (kid === undefined || exp === undefined) return null;
      return {
        userId: sub,
        sessionId: sid,
        clientId: client_id,
        scopes: scope.split(" ").filter(isScope),
        keyId: kid,
        expiresAt: exp * 1000,
      };
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return null;
      throw error;
    }
  },
});
