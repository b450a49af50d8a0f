// Owns access tokens: JWTs by RFC 9068, signed by the key ring. Whether their session still lives: `guard.ts`.

import { type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from "jose";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import { accessTokenAlgorithm, type Keyring } from "./keyring.ts";

/** How long an access token is good for by itself. */
export const accessTokenLifetimeSeconds = 10 * 60;

/** How long an ID token is good for. It says who signed in, and opens nothing. */
export const idTokenLifetimeSeconds = 60 * 60;

/** How far the clocks of two servers may be apart. */
const clockToleranceSeconds = 5;

/** The `client_id` of our own apps. */
export const firstPartyClientId = "first-party";

/** RFC 7515 §7.1: three parts of base64url, without padding. */
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export interface SessionTokenClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

interface IssuedTo {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: string | string[];
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  /** Its own id, `jti`. */
  readonly tokenId: string;
  /** The thumbprint of the key that it is bound to (RFC 9449 §6.1); `null`: whoever bears it may use it. */
  readonly thumbprint: string | null;
}

/**
 * What a token is about: a session of our own apps, a grant that a client was given, or a client itself.
 * The three share no claim that tells them apart from outside: `sid`, `grant_id`, or a `sub` that is the client.
 */
export type AccessTokenClaims =
  | (SessionTokenClaims & { readonly kind: "session" })
  | (IssuedTo & { readonly kind: "grant"; readonly userId: string; readonly grantId: string })
  | (IssuedTo & { readonly kind: "client" });

/** What a token says, and how long that may be remembered. */
export type VerifiedToken = AccessTokenClaims & {
  /** The key that signed it. */
  readonly keyId: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
};

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
  async issue(claims: SessionTokenClaims): Promise<{ accessToken: string; expiresInSeconds: number }> {
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
          // RFC 8725 §3.12: keys of ID tokens verify no access token.
          if (key?.algorithm !== accessTokenAlgorithm) throw new joseErrors.JWKSNoMatchingKey();
          return key.publicKey;
        },
        {
          algorithms: [accessTokenAlgorithm], // RFC 8725 §3.1
          typ: "at+jwt", // RFC 9068 §4
          issuer, // RFC 9068 §4
          audience: issuer, // RFC 9068 §4
          requiredClaims: ["iss", "aud", "sub", "client_id", "iat", "exp", "jti"], // RFC 9068 §2.2
          currentDate: new Date(now()),
          clockTolerance: clockToleranceSeconds,
        },
      );
      const claims = claimsOf(payload);
      const { kid } = protectedHeader;
      if (!claims || kid === undefined || payload.exp === undefined) return null;
      return { ...claims, keyId: kid, expiresAt: payload.exp * 1000 };
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return null;
      throw error;
    }
  },
});

const claimsOf = (payload: JWTPayload): AccessTokenClaims | null => {
  const { sub, jti, sid, client_id: clientId, grant_id: grantId, scope, cnf } = payload;
  if (!sub || !jti || typeof clientId !== "string") return null;
  if (clientId === firstPartyClientId) {
    if (typeof sid !== "string" || typeof scope !== "string" || cnf !== undefined) return null;
    return { kind: "session", userId: sub, sessionId: sid, clientId, scopes: scope.split(" ").filter(Boolean) };
  }
  const thumbprint = (cnf as { jkt?: unknown } | undefined)?.jkt ?? null;
  // Bound in a way that is not checked here: to be refused, not taken for a bearer token.
  if (thumbprint !== null ? typeof thumbprint !== "string" : cnf !== undefined) return null;
  const issued = {
    clientId,
    // RFC 9068 §2.2.3: absent when the token has none.
    scopes: typeof scope === "string" ? scope.split(" ").filter(Boolean) : [],
    audience: payload.aud ?? [],
    issuedAt: (payload.iat ?? 0) * 1000,
    tokenId: jti,
    thumbprint: thumbprint as string | null,
  };
  if (typeof grantId === "string") return { kind: "grant", userId: sub, grantId, ...issued };
  return sub === clientId ? { kind: "client", ...issued } : null;
};
