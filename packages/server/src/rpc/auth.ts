// Owns the procedures of signing in, staying signed in and signing out. A browser keeps its tokens in cookies, other clients in
// the answer.

import { engine } from "@lockstep/kit";
import type { CodeSignIn } from "../domain/accounts/code-sign-in.ts";
import type { Proofs } from "../domain/accounts/proofs.ts";
import type { SignUpRules } from "../domain/accounts/sign-up-rules.ts";
import type { Admission } from "../domain/admission/admission.ts";
import type { FactorSignIn } from "../domain/factors/factor-sign-in.ts";
import type { Passkeys } from "../domain/factors/passkeys.ts";
import type { SignInChallenges } from "../domain/factors/sign-in-challenges.ts";
import type { Identities } from "../domain/identities/identities.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Messages } from "../domain/mail/messages.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import type { SignIn } from "../domain/sessions/sign-in.ts";
import { askerFor, askerOf } from "./askers.ts";
import type { Context } from "./context.ts";
import { accessTokenOf, assertTransport, signedInAnswer, signInAnswer, type Transport, tokensOf } from "./signed-in.ts";
import { implement } from "./trpc.ts";

export const authProcedures = ({
  admission,
  signIn,
  codeSignIn,
  proofs,
  sessions,
  identities,
  signUpRules,
  messages,
  signInChallenges,
  factorSignIn,
  passkeys,
}: {
  admission: Admission;
  signIn: SignIn;
  codeSignIn: CodeSignIn;
  proofs: Proofs;
  sessions: Sessions;
  identities: Identities;
  signUpRules: SignUpRules;
  messages: Messages;
  signInChallenges: SignInChallenges;
  factorSignIn: FactorSignIn;
  passkeys: Passkeys;
}) => ({
  login: implement(engine.auth.login).handle(async ({ input, ctx }) => {
    assertTransport(input.transport, ctx);
    const { username: login, solution } = input;
    const admitted = await admission.admit({ kind: "sign_in", by: "password", login, solution, source: ctx.source });
    const device = await deviceOf(input, ctx, sessions);
    const browser =
      input.transport === "cookie" ? (ctx.cookies.proofSecret ?? signInChallenges.newBrowserSecret()) : null;
    const outcome = await signIn.begin({ login: input, source: ctx.source, browser, ...device });
    admitted.succeeded();
    return signInAnswer(outcome, browser, input.transport, ctx);
  }),

  completeLogin: implement(engine.auth.completeLogin).handle(async ({ input, ctx }) => {
    const { challengeId, transport, trustDevice, ...given } = input;
    assertTransport(transport, ctx);
    const redeemer = { trustDevice, browser: ctx.cookies.proofSecret, source: ctx.source };
    return signedInAnswer(await factorSignIn.complete(challengeId, given, redeemer), transport, ctx);
  }),

  passkeyOptions: implement(engine.auth.passkeyOptions).handle(() => passkeys.options()),

  loginWithPasskey: implement(engine.auth.loginWithPasskey).handle(async ({ input, ctx }) => {
    const { passkey, transport } = input;
    assertTransport(transport, ctx);
    await admission.assertAllowed({ kind: "sign_in", by: "passkey", login: null, source: ctx.source });
    const device = await deviceOf(input, ctx, sessions);
    const signedIn = await factorSignIn.withPasskey(passkey, { source: ctx.source, ...device });
    return signedInAnswer(signedIn, transport, ctx);
  }),

  beginEnrolment: implement(engine.auth.beginEnrolment).handle(({ input: { challengeId, kind }, ctx }) =>
    factorSignIn.beginEnrolment(challengeId, kind, ctx.cookies.proofSecret),
  ),

  completeEnrolment: implement(engine.auth.completeEnrolment).handle(async ({ input, ctx }) => {
    const { challengeId, transport, ...finished } = input;
    assertTransport(transport, ctx);
    const redeemer = { browser: ctx.cookies.proofSecret, source: ctx.source };
    return signedInAnswer(await factorSignIn.completeEnrolment(challengeId, finished, redeemer), transport, ctx);
  }),

  stepUp: implement(engine.auth.stepUp).handle(async ({ input: { transport, ...given }, ctx }) => {
    assertTransport(transport, ctx);
    const signedIn = await factorSignIn.stepUp(ctx.principal, given, ctx.source);
    return { status: "signed_in", ...tokensOf(signedIn, transport, ctx) };
  }),

  requestSignInCode: implement(engine.auth.requestSignInCode).handle(async ({ input, ctx }) => {
    const { login, transport, solution } = input;
    await admission.admit({ kind: "sign_in", by: "code", login, solution, source: ctx.source });
    return codeSignIn.request({ login, ...askerFor(proofs, transport, ctx) });
  }),

  loginWithCode: implement(engine.auth.loginWithCode).handle(async ({ input, ctx }) => {
    const { proofId, code, transport } = input;
    assertTransport(transport, ctx);
    const device = await deviceOf(input, ctx, sessions);
    const asker = askerOf(ctx);
    const outcome = await codeSignIn.complete({ proofId, code, ...device, ...asker });
    return signInAnswer(outcome, asker.browser, transport, ctx);
  }),

  refresh: implement(engine.auth.refresh).handle(async ({ input, ctx }) => {
    const { cookies, source } = ctx;
    const transport: Transport = input.refreshToken === undefined ? "cookie" : "body";
    assertTransport(transport, ctx);
    const refreshToken = input.refreshToken ?? cookies.refreshToken;
    if (refreshToken === null) throw new DomainError("SESSION_ENDED", { reason: "unknown" });
    try {
      return tokensOf(await signIn.withRefreshToken(refreshToken, source), transport, ctx);
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
      return { ...accessTokenOf(issued), refreshDue };
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

  methods: implement(engine.auth.methods).handle(() => ({
    providers: identities.providers,
    signUp: messages.on ? signUpRules.policy : ("off" as const),
    recovery: messages.on,
    signInCode: codeSignIn.on,
    passkeys: passkeys.on,
  })),
});

/** What the device has of earlier sign-ins: its token, and in a browser the session, which the next one replaces. */
const deviceOf = async (
  { transport, deviceToken }: { readonly transport: Transport; readonly deviceToken?: string | undefined },
  { cookies }: Context,
  sessions: Sessions,
) =>
  transport === "cookie"
    ? { deviceToken: cookies.deviceToken, replaces: await sessions.findByRefreshToken(cookies.refreshToken) }
    : { deviceToken: deviceToken ?? null, replaces: null };
