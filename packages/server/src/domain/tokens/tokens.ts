// Owns access tokens: JWTs by RFC 9068, signed by the key ring. Whether the session is still live: `guard.ts`.

import { type Acr, acrValues } from "@lockstep/kit";
import { type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from "jose";
import type { AssuranceClaims } from "../factors/assurance.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import { accessTokenAlgorithm, type Keyring } from "./keyring.ts";

/** The lifetime of an access token. */
export const accessTokenLifetimeSeconds = 10 * 60;

/**
 * The lifetime of an access token that a server gets for one request of a browser, whose refresh token it does not redeem:
 * as long as a request may take.
 */
export const requestTokenLifetimeSeconds = 5 * 60;

/** The lifetime of an ID token. It says who signed in, and authorizes nothing. */
export const idTokenLifetimeSeconds = 60 * 60;

/** The greatest difference between the clocks of two servers. */
const clockToleranceSeconds = 5;

/** The `client_id` of first-party clients. */
export const firstPartyClientId = "first-party";

/** RFC 7515 §7.1: three parts of base64url, without padding. */
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What a token says about how its user proved who they are. */
interface ClaimedAssurance {
  readonly acr: Acr | null;
  /** Epoch milliseconds. `null`: the token does not say. */
  readonly authenticatedAt: number | null;
}

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
  /** The token's ID, `jti`. */
  readonly tokenId: string;
  /** The thumbprint of the key that the token is bound to (RFC 9449 §6.1); `null`: a bearer token. */
  readonly thumbprint: string | null;
}

/**
 * What a token is for: a first-party session, a client's grant, or a client itself. A claim distinguishes them: `sid`,
 * `grant_id`, or a `sub` that equals `client_id`.
 */
export type AccessTokenClaims =
  | (SessionTokenClaims & { readonly kind: "session" })
  | (IssuedTo & ClaimedAssurance & { readonly kind: "grant"; readonly userId: string; readonly grantId: string })
  | (IssuedTo & { readonly kind: "client" });

/** The claims of a token, and how long they may be cached. */
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
  /** This server's public URL: the issuer, and the audience of its own API. */
  issuer: string;
  now: Now;
  random: Random;
}) => ({
  /** A signed access token. @see RFC 9068 §2 */
  async issue(
    claims: SessionTokenClaims & { readonly assurance: AssuranceClaims },
    lifetimeSeconds = accessTokenLifetimeSeconds,
  ): Promise<{ accessToken: string; expiresInSeconds: number }> {
    const key = keyring.signing();
    const issuedAt = Math.floor(now() / 1000);
    const accessToken = await new SignJWT({
      client_id: claims.clientId,
      scope: claims.scopes.join(" "),
      sid: claims.sessionId,
      ...assuranceClaims(claims.assurance),
    })
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "at+jwt" })
      .setIssuer(issuer)
      .setAudience(issuer)
      .setSubject(claims.userId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .setJti(randomId(random))
      .sign(key.privateKey);
    return { accessToken, expiresInSeconds: lifetimeSeconds };
  },

  /** The claims of a valid access token that this service signed for this API; else `null`. */
  async verify(accessToken: string): Promise<VerifiedToken | null> {
    if (!compactJws.test(accessToken)) return null;
    try {
      const { payload, protectedHeader } = await jwtVerify(
        accessToken,
        // RFC 8725 §3.10: only `kid` selects a key, and only among our own; `jku`, `x5u` and `jwk` are ignored.
        async ({ kid }) => {
          const key = kid === undefined ? null : await keyring.find(kid);
          // RFC 8725 §3.12: keys of ID tokens do not verify access tokens.
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

/** RFC 9068 §2.2.1. */
export const assuranceClaims = ({ acr, amr, authenticatedAt }: AssuranceClaims) => ({
  acr,
  ...(amr.length > 0 && { amr }),
  ...(authenticatedAt !== null && { auth_time: Math.floor(authenticatedAt / 1000) }),
});

const claimsOf = (payload: JWTPayload): AccessTokenClaims | null => {
  const { sub, jti, sid, client_id: clientId, grant_id: grantId, scope, cnf } = payload;
  if (!sub || !jti || typeof clientId !== "string") return null;
  if (clientId === firstPartyClientId) {
    if (typeof sid !== "string" || typeof scope !== "string" || cnf !== undefined) return null;
    return { kind: "session", userId: sub, sessionId: sid, clientId, scopes: scope.split(" ").filter(Boolean) };
  }
  const thumbprint = (cnf as { jkt?: unknown } | undefined)?.jkt ?? null;
  // A confirmation method that is not checked here: refuse the token, which is not a bearer token.
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
  if (typeof grantId === "string") {
    const acr = acrValues.find((value) => value === payload["acr"]) ?? null;
    const authTime = payload["auth_time"];
    const authenticatedAt = typeof authTime === "number" ? authTime * 1000 : null;
    return { kind: "grant", userId: sub, grantId, acr, authenticatedAt, ...issued };
  }
  return sub === clientId ? { kind: "client", ...issued } : null;
};
