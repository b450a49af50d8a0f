// Owns the procedures of signing in, staying signed in and signing out. A browser keeps its tokens in cookies, other clients in
// the answer.

import { engine } from "@lockstep/kit";
import type { Identities } from "../domain/identities/identities.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import type { SignedIn, SignIn, WithAccessToken } from "../domain/sessions/sign-in.ts";
import type { Context } from "./context.ts";
import { implement } from "./trpc.ts";

type Transport = "body" | "cookie";

export const authProcedures = ({
  signIn,
  sessions,
  identities,
}: {
  signIn: SignIn;
  sessions: Sessions;
  identities: Identities;
}) => ({
  login: implement(engine.auth.login).handle(async ({ input, ctx }) => {
    const { cookies, source } = ctx;
    const byCookie = input.transport === "cookie";
    if (byCookie && cookies.foreign) throw new DomainError("FOREIGN_ORIGIN");

    const replaces =
      byCookie && cookies.refreshToken !== null ? await sessions.findByRefreshToken(cookies.refreshToken) : null;
    const { deviceToken, ...signedIn } = await signIn.withPassword({
      login: input,
      deviceToken: (byCookie ? cookies.deviceToken : input.deviceToken) ?? null,
      source,
      replaces,
    });
    if (!byCookie) return { status: "signed_in" as const, deviceToken, ...answer(signedIn, "body", ctx) };

    cookies.setDeviceToken(deviceToken);
    return { status: "signed_in" as const, ...answer(signedIn, "cookie", ctx) };
  }),

  refresh: implement(engine.auth.refresh).handle(async ({ input, ctx }) => {
    const { cookies, source } = ctx;
    const transport: Transport = input.refreshToken === undefined ? "cookie" : "body";
    if (transport === "cookie" && cookies.foreign) throw new DomainError("FOREIGN_ORIGIN");
    const refreshToken = input.refreshToken ?? cookies.refreshToken;
    if (refreshToken === null) throw new DomainError("SESSION_ENDED", { reason: "unknown" });
    try {
      return answer(await signIn.withRefreshToken(refreshToken, source), transport, ctx);
    } catch (error) {
      if (error instanceof DomainError && transport === "cookie") cookies.clearRefreshToken();
      throw error;
    }
  }),

  issueAccessToken: implement(engine.auth.issueAccessToken).handle(async ({ ctx: { cookies, source } }) => {
    // No page can have this called, its own browser least of all: a browser redeems its cookie.
    if (cookies.fromBrowser) throw new DomainError("SERVERS_ONLY");
    if (cookies.refreshToken === null) throw new DomainError("SESSION_ENDED", { reason: "unknown" });
    try {
      const { refreshDue, ...issued } = await signIn.forOneRequest(cookies.refreshToken, source);
      return { ...accessTokenAnswer(issued), refreshDue };
    } catch (error) {
      if (error instanceof DomainError) cookies.clearRefreshToken();
      throw error;
    }
  }),

  logout: implement(engine.auth.logout).handle(async ({ ctx }) => {
    const { session, user } = ctx.principal;
    const logout = await identities.logoutOf(session.id);
    await sessions.end(user.id, session.id, "signed_out", ctx.source);
    if (!ctx.cookies.foreign) ctx.cookies.clearRefreshToken();
    if (!logout) return {};
    return { continueAt: `/login/${logout.provider}/logout?${new URLSearchParams({ hint: logout.idTokenJwe })}` };
  }),

  methods: implement(engine.auth.methods).handle(() => ({ providers: identities.providers })),
});

const answer = (signedIn: SignedIn, transport: Transport, { cookies }: Context) => {
  if (transport === "cookie") cookies.setRefreshToken(signedIn.refreshToken, signedIn.refreshTokenExpiresAt);
  return { ...accessTokenAnswer(signedIn), ...(transport === "body" && { refreshToken: signedIn.refreshToken }) };
};

const accessTokenAnswer = ({ accessToken, accessTokenLifetimeSeconds, session, user }: WithAccessToken) => ({
  accessToken,
  tokenType: "Bearer" as const,
  expiresIn: accessTokenLifetimeSeconds,
  sessionId: session.id,
  user,
});
