import type { NewPasskey } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { createAuthenticator, type Mischief } from "../../../test/software-authenticator.ts";
import { testSource, typed } from "../../testing.ts";
import { goodPassword, refusalOf } from "../accounts/testing.ts";
import { startFactors } from "./testing.ts";

const publicUrl = "https://api.example.com";

describe.each(engines)("a passkey on $engine", ({ newDatabase }) => {
  const start = (settings = {}) => startFactors(newDatabase, { publicUrl, ...settings });

  it("signs in alone, and proves two factors", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { authenticator, id } = await server.addPasskey(owner);
    const signedIn = await server.withPasskey(authenticator);
    expect(signedIn).toMatchObject({ status: "signed_in", user: { username: "john" } });
    expect(server.claims(signedIn.accessToken)).toMatchObject({ acr: "phr", amr: ["pop", "user", "mfa"] });
    expect(await server.domain.factors.list(owner.user.id)).toMatchObject([
      { id, kind: "passkey", name: "Key", lastUsedAt: server.clock.now() },
    ]);
  });

  it("asks for a resident key and a verified user, and for no attestation", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { authenticator } = await server.addPasskey(owner);
    const begun = await server.domain.factorSignIn.beginFactor(owner, "passkey");
    expect(begun).toMatchObject({
      options: {
        rp: { id: "api.example.com", name: "Lockstep" },
        user: { id: Buffer.from(owner.user.id).toString("base64url"), name: "john", displayName: "John Doe" },
        attestation: "none",
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        excludeCredentials: [{ id: [...authenticator.credentials.keys()][0], type: "public-key" }],
      },
    });
    const { options } = await server.domain.passkeys.options();
    expect(options).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rpId: "api.example.com",
      timeout: 600_000,
      userVerification: "required",
    });
  });

  it.each<[string, Mischief]>([
    ["for another origin", { origin: "https://evil.example" }],
    ["for a subdomain", { origin: "https://x.api.example.com" }],
    ["for another port", { origin: "https://api.example.com:8443" }],
    ["over http", { origin: "http://api.example.com" }],
    ["for another RP ID", { rpId: "example.com" }],
    ["without verifying the user", { userVerified: false }],
    ["with another challenge", { challenge: "c29tZXRoaW5nIGVsc2U" }],
    ["in a frame of another origin", { crossOrigin: true }],
    ["for what was not asked for", { type: "payment.get" }],
    ["of another account", { userHandle: Buffer.from("somebody else").toString("base64url") }],
    ["with another key", { forged: true }],
  ])("[S110] is refused %s", async (_, mischief) => {
    await using server = await start();
    const owner = await server.signIn();
    const { authenticator } = await server.addPasskey(owner);
    expect(await refusalOf(server.withPasskey(authenticator, mischief))).toBe("INVALID_CREDENTIALS");
    await server.withPasskey(authenticator);

    // The same at its making, where no signature is checked.
    if (mischief.userHandle !== undefined || mischief.forged) return;
    const begun = await server.domain.factorSignIn.beginFactor(owner, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const passkey = authenticator.create(begun, mischief);
    const finish = server.domain.factorSignIn.completeFactor(
      owner,
      { enrolmentId: begun.enrolmentId, name: "Key", passkey },
      testSource,
    );
    expect(await refusalOf(finish)).toBe("FACTOR_REFUSED");
  });

  it("is added whatever attestation comes with it unasked, which is never read", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const authenticator = createAuthenticator({ origin: publicUrl });
    for (const fmt of ["android-key", "packed", "tpm", "x".repeat(500)]) {
      const begun = await server.domain.factorSignIn.beginFactor(owner, "passkey");
      if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
      // Certificates may name addresses of revocation lists, which the library would request.
      const attestation = { fmt, attStmt: new Map<string, unknown>([["x5c", [new Uint8Array([1, 2, 3])]]]) };
      const finished = {
        enrolmentId: begun.enrolmentId,
        name: "Key",
        passkey: authenticator.create(begun, { attestation }),
      };
      await server.domain.factorSignIn.completeFactor(owner, finished, testSource);
      expect((await server.withPasskey(authenticator)).status).toBe("signed_in");
    }
  });

  it("[S110] answers a challenge once, also when it fails, and within ten minutes", async () => {
    await using server = await start();
    const { authenticator } = await server.addPasskey(await server.signIn());
    const { passkeys, factorSignIn } = server.domain;
    const signInWith = (answer: ReturnType<typeof authenticator.get>) =>
      factorSignIn.withPasskey(answer, { deviceToken: null, replaces: null, source: testSource });
    const options = await passkeys.options();
    const answers = Array.from({ length: 20 }, () => refusalOf(signInWith(authenticator.get(options))));
    expect((await Promise.all(answers)).filter((refusal) => refusal === null)).toHaveLength(1);
    const failing = await passkeys.options();
    expect(await refusalOf(signInWith(authenticator.get(failing, { forged: true })))).toBe("INVALID_CREDENTIALS");
    expect(await refusalOf(signInWith(authenticator.get(failing)))).toBe("CHALLENGE_EXPIRED");
    const late = await passkeys.options();
    server.clock.advanceSeconds(601);
    expect(await refusalOf(signInWith(authenticator.get(late)))).toBe("CHALLENGE_EXPIRED");
  });

  it("[S110] that nobody has is refused like a wrong password", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { authenticator, id } = await server.addPasskey(owner);
    await server.db.deleteFrom("factors").where("id", "=", id).execute();
    const unknown = await server.withPasskey(authenticator).catch((error: unknown) => error);
    const wrong = await server.domain.signIn
      .withPassword({ login: { username: "john", password: "wrong" }, deviceToken: null, source: testSource })
      .catch((error: unknown) => error);
    const answerOf = (error: unknown) => JSON.stringify([String(error), error]);
    expect(answerOf(unknown)).toBe(answerOf(wrong));
    const refused = (await server.domain.audit.list({ limit: 9 })).filter(({ outcome }) => outcome === "refused");
    expect(refused.map(({ userId, detail }) => [userId, detail])).toContainEqual([null, { factor: "passkey" }]);
  });

  it("is refused when its counter does not grow", async () => {
    await using server = await start();
    const authenticator = createAuthenticator({ origin: publicUrl, counts: true });
    await server.addPasskey(await server.signIn(), authenticator);
    await server.withPasskey(authenticator);
    await server.withPasskey(authenticator);
    expect(await refusalOf(server.withPasskey(authenticator, { copied: true }))).toBe("INVALID_CREDENTIALS");
    const refused = (await server.domain.audit.list({ limit: 9 })).filter(({ outcome }) => outcome === "refused");
    expect(refused).toMatchObject([{ action: "sign_in", detail: { factor: "passkey" } }]);
    await server.withPasskey(authenticator);
  });

  it("does not sign in to a disabled account", async () => {
    await using server = await start();
    const { user, ...owner } = await server.signIn();
    const { authenticator } = await server.addPasskey({ ...owner, user });
    await server.domain.accounts.disable(user.id, testSource);
    expect(await refusalOf(server.withPasskey(authenticator))).toBe("INVALID_CREDENTIALS");
    await server.domain.accounts.enable(user.id, testSource);
    await server.withPasskey(authenticator);
  });

  it("can be made on pages of related origins, and of no others", async () => {
    await using server = await start({ passkeyOrigins: ["https://example.org"] });
    const { authenticator } = await server.addPasskey(await server.signIn());
    await server.withPasskey(authenticator, { origin: "https://example.org" });
    expect(await refusalOf(server.withPasskey(authenticator, { origin: "https://example.net" }))).toBe(
      "INVALID_CREDENTIALS",
    );
  });

  it("is added once by one enrolment, and never under the ID of another account's", async () => {
    await using server = await start();
    const owner = await server.signIn();
    const { authenticator } = await server.addPasskey(owner);
    const [credentialId = ""] = authenticator.credentials.keys();
    await server.createUser("jane", { email: null });
    const jane = await server.domain.signIn.withPassword(typed("jane", goodPassword));
    const begun = await server.domain.factorSignIn.beginFactor(jane, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const { factorSignIn, factors } = server.domain;
    const finish = (passkey: NewPasskey) =>
      refusalOf(
        factorSignIn.completeFactor(jane, { enrolmentId: begun.enrolmentId, name: "Key", passkey }, testSource),
      );
    const hers = createAuthenticator({ origin: publicUrl });
    expect(await finish(hers.create(begun, { credentialId }))).toBe("FACTOR_REFUSED");
    expect(await finish(hers.create(begun))).toBeNull();
    expect(await finish(hers.create(begun))).toBe("CHALLENGE_EXPIRED");
    expect(await factors.list(jane.user.id)).toHaveLength(1);
    expect((await server.withPasskey(authenticator)).user.username).toBe("john");
  });
});

it.each(["http://127.0.0.1:3000", "http://[::1]:3000"])(
  "passkeys are off at %s, which has no domain",
  async (address) => {
    await using server = await startFactors(engines[0].newDatabase, { publicUrl: address });
    expect(server.domain.passkeys.on).toBe(false);
    expect(await refusalOf(server.domain.passkeys.options())).toBe("PASSKEYS_OFF");
  },
);
