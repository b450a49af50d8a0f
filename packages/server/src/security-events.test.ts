import { describe, expect, it } from "vitest";
import { callsTo } from "../test/calls.ts";
import { createAuthenticator } from "../test/software-authenticator.ts";
import { securityEventOf } from "./security-events.ts";
import { john, startTestServer, testClock, testSource, typed } from "./testing.ts";

const publicUrl = "https://api.example.com";

describe("the log of refused attempts", () => {
  it("has one entry for each, whatever the way in, without what was typed", async () => {
    const lines: string[] = [];
    const clock = testClock();
    await using server = await startTestServer({
      now: clock.now,
      config: { publicUrl, signInCode: true },
      logger: { level: "info", stream: { write: (line) => void lines.push(line) } },
    });
    const calls = callsTo(server.app);
    const { signIn, factorSignIn } = server.domain;
    const owner = await signIn.withPassword(typed(john.username, john.password));
    const events = () => {
      const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      lines.length = 0;
      return entries.filter(({ event }) => event !== undefined);
    };
    const refused = { level: 30, event: "sign_in", outcome: "refused", address: "192.0.2.7" };
    const from = { address: "192.0.2.7" };

    const wrong = { username: john.username, password: "a wrong password" };
    const answer = await calls.mutate("auth.login", wrong, from);
    const reqId = answer.headers["x-request-id"];
    expect(events()).toMatchObject([{ ...refused, userId: owner.user.id, method: null, reqId }]);
    await calls.mutate("auth.login", { ...wrong, username: "nobody-of-that-name" }, from);
    expect(events()).toMatchObject([{ ...refused, userId: null }]);
    await server.app.inject({
      method: "POST",
      url: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams(wrong).toString(),
      remoteAddress: "192.0.2.7",
    });
    expect(events()).toMatchObject([{ ...refused, userId: owner.user.id }]);

    const { data: asked } = await calls.mutate("auth.requestSignInCode", { login: john.username }, from);
    await calls.mutate("auth.loginWithCode", { proofId: asked.proofId, code: "BCDFGHJK" }, from);
    expect(events()).toMatchObject([{ ...refused, method: "email", userId: owner.user.id }]);

    const begun = await factorSignIn.beginFactor(owner, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const authenticator = createAuthenticator({ origin: publicUrl });
    const passkey = authenticator.create(begun);
    await factorSignIn.completeFactor(owner, { enrolmentId: begun.enrolmentId, name: "Key", passkey }, testSource);
    const options = (await calls.mutate("auth.passkeyOptions", undefined)).data;
    await calls.mutate("auth.loginWithPasskey", { passkey: authenticator.get(options, { forged: true }) }, from);
    expect(events()).toMatchObject([{ ...refused, method: "passkey" }]);
    const { data: pending } = await calls.mutate("auth.login", { username: john.username, password: john.password });
    const { challengeId } = pending as unknown as { challengeId: string };
    await calls.mutate("auth.completeLogin", { challengeId, recoveryCode: "BCDFGHJKLMNP" }, from);
    expect(events()).toMatchObject([{ ...refused, method: "recovery_code", userId: owner.user.id }]);

    const { accessToken: token } = owner;
    await calls.mutate("auth.stepUp", { password: "a wrong password" }, { token, ...from });
    expect(events()).toMatchObject([{ ...refused, event: "session.step_up", userId: owner.user.id }]);

    const next = (await calls.mutate("auth.passkeyOptions", undefined)).data;
    const { data: signedIn } = await calls.mutate("auth.loginWithPasskey", { passkey: authenticator.get(next) });
    const { refreshToken } = signedIn as unknown as { refreshToken: string };
    await calls.mutate("auth.refresh", { refreshToken });
    expect(events()).toEqual([]);
    clock.advanceSeconds(60);
    await calls.mutate("auth.refresh", { refreshToken }, from);
    expect(events()).toMatchObject([
      { level: 40, event: "session.reuse", outcome: "reused", userId: owner.user.id, address: "192.0.2.7" },
    ]);
  });

  it("names the identity provider, and no text of others", () => {
    const entry = { action: "sign_in", outcome: "refused", userId: null, source: testSource } as const;
    const detail = { provider: "acme", problem: "refused", reason: "text of the provider" };
    const event = securityEventOf({ ...entry, detail });
    expect(event?.facts).toEqual({
      event: "sign_in",
      outcome: "refused",
      method: "acme",
      userId: null,
      address: testSource.address,
      reqId: testSource.requestId,
    });
    expect(securityEventOf({ ...entry, outcome: "done" })).toBeNull();
  });
});
