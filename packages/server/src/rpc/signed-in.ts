// Owns the answer to a sign-in, however the person proved who they are: tokens in the body, or in a browser's cookies.

import { challengeSeconds } from "../domain/factors/sign-in-challenges.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { CompleteSignIn, SignedIn, SignInOutcome, WithAccessToken } from "../domain/sessions/sign-in.ts";
import type { Context } from "./context.ts";

export type Transport = "body" | "cookie";

/**
 * @throws DomainError `FOREIGN_ORIGIN` when a page of another origin asks for cookies, and `CREDENTIALS_IN_BATCH` when the
 *   answer could set none
 */
export const assertTransport = (transport: Transport, { cookies, streamed }: Context): void => {
  if (transport !== "cookie") return;
  if (cookies.foreign) throw new DomainError("FOREIGN_ORIGIN");
  if (streamed) throw new DomainError("CREDENTIALS_IN_BATCH");
};

/** The next tokens of a session. */
export const tokensOf = (signedIn: SignedIn, transport: Transport, { cookies }: Context) => {
  if (transport === "cookie") cookies.setRefreshToken(signedIn.refreshToken, signedIn.refreshTokenExpiresAt);
  return { ...accessTokenOf(signedIn), ...(transport === "body" && { refreshToken: signedIn.refreshToken }) };
};

/** The access token of a session. */
export const accessTokenOf = ({ accessToken, accessTokenLifetimeSeconds, session, user }: WithAccessToken) => ({
  accessToken,
  tokenType: "Bearer" as const,
  expiresIn: accessTokenLifetimeSeconds,
  sessionId: session.id,
  user,
});

/** The answer to a sign-in, complete or not, with the token that makes the device known. */
export const signInAnswer = (outcome: SignInOutcome, browser: string | null, transport: Transport, ctx: Context) => {
  if (outcome.status === "signed_in") return signedInAnswer(outcome, transport, ctx);
  if (transport === "cookie" && browser !== null) ctx.cookies.setProofSecret(browser, challengeSeconds);
  return outcome;
};

/** The answer to a complete sign-in. */
export const signedInAnswer = (
  { deviceToken, status, ...signedIn }: CompleteSignIn,
  transport: Transport,
  ctx: Context,
) => ({
  status,
  ...deviceTokenOf(deviceToken, transport, ctx),
  ...tokensOf(signedIn, transport, ctx),
});

/** The device token, where the transport sends it. */
export const deviceTokenOf = (deviceToken: string, transport: Transport, { cookies }: Context) => {
  if (transport === "body") return { deviceToken };
  cookies.setDeviceToken(deviceToken);
  return {};
};
