import type { SignedIn } from "@lockstep/kit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callsTo } from "../../test/calls.ts";
import { john, startSession, startTestServer, type TestServer, testClock, testSource } from "../testing.ts";

const clock = testClock();
const publicUrl = "https://api.example.com";
const password = "correct horse battery staple 42";
let server: TestServer;
let calls: ReturnType<typeof callsTo>;

beforeAll(async () => {
  server = await startTestServer({ now: clock.now, config: { publicUrl, signInCode: true } });
  calls = callsTo(server.app);
});
afterAll(() => server.close());
beforeEach(() => clock.advanceSeconds(24 * 3600 + 1));

const cookieName = "__Host-lockstep-proof";

/** The newest mail to an address, with its code and the secret of its link. */
const mailTo = async (address: string) => {
  const mail = (await server.mails()).find(({ to }) => to === address);
  if (!mail) throw new Error(`There is no mail to ${address}`);
  return {
    ...mail,
    code: /[A-Z]{4}-[A-Z]{4}/.exec(mail.text)?.[0] ?? "",
    secret: /\/proof#([\w-]+)/.exec(mail.text)?.[1] ?? "",
  };
};

const userOf = async (login: string) => {
  const found = await server.domain.users.findByLogin(login);
  if (!found) throw new Error(`There is no user ${login}`);
  return found.user;
};

const askInBrowser = async (email: string, options: object = {}) => {
  const answer = await calls.mutate("account.register", { email, transport: "cookie" }, options);
  const cookies = { [cookieName]: answer.cookies[cookieName]?.value ?? "" };
  return { ...answer, cookies, set: answer.cookies[cookieName], ...(await mailTo(email)) };
};

const registration = { fullName: "Jane Roe", password, transport: "cookie" } as const;

describe("deleting an account", () => {
  const signInAs = async (email: string, transport: "body" | "cookie") => {
    const { data, code, cookies } = await askInBrowser(email);
    const input = { proofId: data.proofId, code, ...registration, fullName: "Jo Bloggs", transport };
    const { data: signedIn } = await calls.mutate("account.completeRegistration", input, { cookies });
    return { ...signedIn, token: signedIn.accessToken };
  };

  it("[S42] and exporting it need a fresh sign-in", async () => {
    const { token } = await signInAs("deleting@example.org", "body");
    clock.advanceSeconds(5 * 60 - 1);
    expect((await calls.mutate("account.export", {}, { token })).data.tables.users).toMatchObject([
      { email: "deleting@example.org" },
    ]);
    const late = await startSession(server.db, server.domain.sessions, (await userOf("deleting@example.org")).id);
    await server.db
      .updateTable("sessions")
      .set({ authenticated_at: clock.now() - 15 * 60 * 1000 - 1, factors: null })
      .where("id", "=", late.session.id)
      .execute();
    const { accessToken: old } = await server.domain.signIn.withRefreshToken(late.refreshToken, testSource);
    for (const operation of ["account.delete", "account.export"] as const) {
      const input = operation === "account.export" ? {} : undefined;
      expect((await calls.mutate(operation, input, { token: old })).code).toBe("REAUTHENTICATION_REQUIRED");
    }
    expect(await server.domain.deletions.find((await userOf("deleting@example.org")).id)).toBeNull();
  });

  it("[S80] refuses the next call of each client, and says to the browser and at sign-in what is the matter", async () => {
    const { token, refreshToken } = await signInAs("deleted@example.org", "body");
    const { username } = await userOf("deleted@example.org");
    clock.advanceSeconds(1); // so that the mail about it is the newest
    const answer = await server.app.inject({
      method: "DELETE",
      url: "/users/me",
      headers: { authorization: `Bearer ${token}` },
    });
    const { deletesAt } = answer.json();
    expect([answer.statusCode, deletesAt]).toEqual([200, clock.now() + 14 * 24 * 3600 * 1000]);
    expect((await calls.query("user.me", { token })).code).toBe("INVALID_TOKEN");
    expect((await calls.mutate("auth.refresh", { refreshToken })).error).toMatchObject({
      code: "SESSION_ENDED",
      details: { reason: "deletion_requested" },
    });
    const login = { username, password };
    const refused = await calls.mutate("auth.login", login);
    expect([refused.status, refused.error]).toMatchObject([403, { code: "DELETION_PENDING", details: { deletesAt } }]);
    const form = await server.app.inject({
      method: "POST",
      url: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams(login).toString(),
    });
    expect([form.statusCode, form.json().error]).toEqual([400, "invalid_grant"]);

    const { secret } = await mailTo("deleted@example.org");
    for (const method of ["GET", "HEAD"] as const) await server.app.inject({ method, url: `/proof?${secret}` });
    expect((await calls.mutate("account.readProof", { secret })).data).toMatchObject({
      purpose: "deletion_cancel",
      deletesAt,
    });
    expect((await calls.mutate("account.cancelDeletion", { secret: "x".repeat(27) })).code).toBe("PROOF_REFUSED");
    expect((await calls.mutate("account.cancelDeletion", { secret })).data).toEqual({ username });
    expect((await calls.mutate("auth.login", login)).data.status).toBe("signed_in");
  });
});

describe("a proof that a browser asked for", () => {
  it("[S104] is bound to a cookie that no script and no other site can use", async () => {
    const { data, code, cookies, set } = await askInBrowser("a@example.org");
    expect(set).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict", path: "/", maxAge: 600 });
    const input = { proofId: data.proofId, code, ...registration };
    const other = await calls.mutate("account.completeRegistration", input);
    expect([other.status, other.error]).toMatchObject([
      400,
      { code: "PROOF_REFUSED", details: { reason: "other_browser" } },
    ]);
    const foreign = await calls.mutate("account.completeRegistration", input, {
      cookies,
      headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    });
    expect(foreign.code).toBe("FOREIGN_ORIGIN");
    const body = { ...input, transport: "body" as const };
    const bySite = { cookies, headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" } };
    expect((await calls.mutate("account.completeRegistration", body, bySite)).status).toBeGreaterThanOrEqual(400);
    const done = await calls.mutate("account.completeRegistration", input, { cookies });
    expect(done.data).toMatchObject({ status: "signed_in", user: { email: "a@example.org", emailVerified: true } });
    expect(done.data.refreshToken).toBeUndefined();
    expect(Object.keys(done.cookies).sort()).toEqual(["__Host-lockstep-device", "__Host-lockstep-session"]);
  });

  it("has the cookie of the browser's other proofs, so that two tabs do not interfere", async () => {
    const first = await askInBrowser("b@example.org");
    const second = await askInBrowser("c@example.org", { cookies: first.cookies });
    expect(second.cookies).toEqual(first.cookies);
    for (const { data, code } of [first, second]) {
      const input = { proofId: data.proofId, code, ...registration };
      expect((await calls.mutate("account.completeRegistration", input, { cookies: first.cookies })).status).toBe(200);
    }
  });

  it("is asked for by our own pages only", async () => {
    for (const operation of ["account.register", "account.recover"] as const) {
      const input = { email: "d@example.org", login: "john", transport: "cookie" as const };
      const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
      expect((await calls.mutate(operation, input, { headers })).code).toBe("FOREIGN_ORIGIN");
    }
  });

  it("accepts the code as people paste it, and a malformed one costs no try", async () => {
    const { data, code, cookies } = await askInBrowser("e@example.org");
    for (const malformed of ["", "123", "BCDF-GHJ", "AEIO-UAEI"]) {
      const refused = await calls.mutate(
        "account.completeRegistration",
        { proofId: data.proofId, code: malformed, ...registration },
        { cookies },
      );
      expect(refused.error).toMatchObject({ code: "INVALID_INPUT", details: { issues: [{ path: ["code"] }] } });
    }
    const pasted = ` ${code.toLowerCase().replace("-", " – ")}\n`;
    const input = { proofId: data.proofId, code: pasted, ...registration };
    expect((await calls.mutate("account.completeRegistration", input, { cookies })).status).toBe(200);
  });

  it("[S104] is checked before it is used, which counts as a try and uses nothing up", async () => {
    const { data, code, cookies } = await askInBrowser("i@example.org");
    const { proofId } = data;
    const check = (typed: string, options: object = { cookies }) =>
      calls.mutate("account.checkCode", { proofId, code: typed }, options);
    for (let n = 0; n < 3; n++) expect((await check(code)).data).toEqual({});
    expect((await check(code, {})).error).toMatchObject({ details: { reason: "other_browser" } });
    for (let triesLeft = 4; triesLeft >= 1; triesLeft--)
      expect((await check("BCDF-GHJK")).error).toMatchObject({ details: { reason: "wrong_code", triesLeft } });
    const input = { proofId, code, ...registration };
    expect((await calls.mutate("account.completeRegistration", input, { cookies })).status).toBe(200);
    expect((await check(code)).error).toMatchObject({ details: { reason: "used" } });
    const batch = { "0": { proofId, code }, "1": { proofId, code } };
    const url = "/trpc/account.checkCode,account.checkCode?batch=1";
    const answers = await server.app.inject({ method: "POST", url, payload: batch });
    for (const { error } of answers.json()) expect(error.data.code).toBe("CREDENTIALS_IN_BATCH");
  });

  it("is replaced by a new one on request, in the same browser", async () => {
    const first = await askInBrowser("f@example.org");
    clock.advanceSeconds(1);
    const again = await calls.mutate(
      "account.resendProof",
      { proofId: first.data.proofId },
      { cookies: first.cookies },
    );
    const elsewhere = await calls.mutate("account.resendProof", { proofId: again.data.proofId });
    expect(elsewhere.error).toMatchObject({ code: "PROOF_REFUSED", details: { reason: "other_browser" } });
    const { code } = await mailTo("f@example.org");
    const old = { proofId: first.data.proofId, code: first.code, ...registration };
    const refused = await calls.mutate("account.completeRegistration", old, { cookies: first.cookies });
    expect(refused.error).toMatchObject({ details: { reason: "cancelled" } });
    const input = { proofId: again.data.proofId, code, ...registration };
    expect((await calls.mutate("account.completeRegistration", input, { cookies: first.cookies })).status).toBe(200);
  });
});

describe("the link in a mail", () => {
  it("[S105] consumes nothing by GET and HEAD, however often it is opened", async () => {
    const { data, code, secret, cookies } = await askInBrowser("g@example.org");
    for (const method of ["GET", "HEAD"] as const)
      for (const url of ["/proof", `/proof?${secret}`, `/proof/${secret}`])
        for (let n = 0; n < 3; n++) await server.app.inject({ method, url });
    const read = `/trpc/account.readProof?input=${encodeURIComponent(JSON.stringify({ secret }))}`;
    expect((await server.app.inject({ url: read })).statusCode).toBe(405);
    for (let n = 0; n < 3; n++) {
      const here = await calls.mutate("account.readProof", { secret }, { cookies });
      expect(here.data).toMatchObject({
        purpose: "sign_up",
        email: "g@example.org",
        code: code.replace("-", ""),
        proofId: data.proofId,
      });
      expect((await calls.mutate("account.readProof", { secret })).data.proofId).toBeNull();
    }
    const input = { proofId: data.proofId, code, ...registration };
    expect((await calls.mutate("account.completeRegistration", input, { cookies })).status).toBe(200);
  });

  it("[S106] begins with PUBLIC_URL, whatever host the request names", async () => {
    const headers = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", forwarded: "host=evil.example" };
    await calls.mutate("account.register", { email: "h@example.org" }, { headers });
    const { text, html } = await mailTo("h@example.org");
    for (const content of [text, html]) {
      expect(content).not.toContain("evil.example");
      const links = content.match(/https?:\/\/[^\s"<]+/g) ?? [];
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) expect(link.startsWith(`${publicUrl}/`)).toBe(true);
    }
  });
});

describe("answers about addresses", () => {
  it("[S69] [S102] are alike for known and unknown ones", async () => {
    const shape = ({ status, text, cookies, headers }: Awaited<ReturnType<typeof calls.mutate>>) => ({
      status,
      body: text.replace(/[\w-]{22}/, "an ID"),
      cookies: Object.keys(cookies),
      headers: Object.keys(headers).sort(),
      length: headers["content-length"],
    });
    for (const [operation, inputs] of [
      ["account.register", [{ email: john.email }, { email: "unknown@example.org" }]],
      ["account.recover", [{ login: "john" }, { login: "nobody" }]],
      ["auth.requestSignInCode", [{ login: "john" }, { login: "nobody" }]],
    ] as const)
      for (const transport of ["cookie", "body"] as const) {
        const [known, unknown] = await Promise.all(
          inputs.map((input) => calls.mutate(operation, { ...input, transport } as never)),
        );
        if (known && unknown) expect(shape(known)).toEqual(shape(unknown));
        expect(known?.status).toBe(200);
      }
  });

  it.each([
    ["two @", "a@b@example.org"],
    ["a quoted local part", '"a b"@example.org'],
    ["a header", "a@example.org\r\nBcc: b@example.org"],
    ["a line", "a@example.org\nx"],
    ["a second address", "a@example.org, b@example.org"],
    ["a Cyrillic letter", "jаne@example.org"],
    ["255 characters", `a@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.${"e".repeat(60)}.example.org`],
    ["no domain", "jane"],
    ["an IP address", "jane@[192.0.2.1]"],
  ])("refuse %s in words, and send nothing", async (_, email) => {
    const before = (await server.mails()).length;
    const { error } = await calls.mutate("account.register", { email });
    expect(error).toMatchObject({ code: "INVALID_INPUT", details: { issues: [{ path: ["email"] }] } });
    expect(await server.mails()).toHaveLength(before);
  });

  it.each([
    [" Trailing@Example.org ", "trailing@example.org"],
    ["int@bücher.example", "int@xn--bcher-kva.example"],
    ["o'brien+tag@example.org", "o'brien+tag@example.org"],
    [`${"x".repeat(64)}@example.org`, `${"x".repeat(64)}@example.org`],
  ])("accept %j as %s", async (email, to) => {
    await calls.mutate("account.register", { email });
    expect((await mailTo(to)).code).not.toBe("");
  });
});

describe("setting a password by recovery, over HTTP", () => {
  it("[S71] makes the device known and signs nobody in", async () => {
    const asked = await calls.mutate("account.recover", { login: "john", transport: "cookie" });
    const cookies = { [cookieName]: asked.cookies[cookieName]?.value ?? "" };
    const { code } = await mailTo(john.email);
    const input = { proofId: asked.data.proofId, code, newPassword: password, transport: "cookie" as const };
    const done = await calls.mutate("account.resetPassword", input, { cookies });
    expect(done.data).toEqual({});
    expect(Object.keys(done.cookies)).toEqual(["__Host-lockstep-device"]);
  });
});

describe("signing in with a code, over HTTP", () => {
  const email = "ann@example.com";
  beforeAll(async () => {
    const passwordHash = await server.domain.passwords.hash(password);
    const ann = { username: "ann", email, emailProof: "mail", fullName: "Ann", role: "user", passwordHash } as const;
    await server.domain.users.create(ann);
  });

  const ask = async () => {
    // Later than the notice of another sign-in.
    clock.advanceSeconds(1);
    const asked = await calls.mutate("auth.requestSignInCode", { login: "ann", transport: "cookie" });
    const cookies = { [cookieName]: asked.cookies[cookieName]?.value ?? "" };
    return { cookies, proofId: asked.data.proofId, code: (await mailTo(email)).code };
  };
  const answerOf = ({
    status,
    data,
    cookies,
  }: Pick<Awaited<ReturnType<typeof calls.mutate>>, "status" | "data" | "cookies">) => ({
    status,
    members: Object.keys(data).sort(),
    user: (data as SignedIn).user,
    cookies: Object.fromEntries(Object.entries(cookies).map(([name, { value: _, ...rest }]) => [name, rest])),
  });

  it.each(["cookie", "body"] as const)("answers like a sign-in with the password (%s)", async (transport) => {
    const { cookies, proofId, code } = await ask();
    const byCode = await calls.mutate("auth.loginWithCode", { proofId, code, transport }, { cookies });
    const byPassword = await calls.mutate("auth.login", { username: "ann", password, transport });
    expect(answerOf(byPassword)).toMatchObject({ status: 200, members: expect.arrayContaining(["accessToken"]) });
    expect(answerOf(byCode)).toEqual(answerOf(byPassword));
  });

  it("[S77] replaces the session that the browser had, and makes the device known", async () => {
    const before = await calls.mutate("auth.login", { username: "ann", password, transport: "cookie" });
    const { cookies, proofId, code } = await ask();
    const own = Object.fromEntries(Object.entries(before.cookies).map(([name, { value }]) => [name, value]));
    const input = { proofId, code, transport: "cookie" as const };
    const after = await calls.mutate("auth.loginWithCode", input, { cookies: { ...own, ...cookies } });
    expect(after.data.sessionId).not.toBe(before.data.sessionId);
    expect(await server.domain.sessions.endReason(before.data.sessionId)).toBe("signed_out");
  });

  it("[S104] is bound to the browser that asked, and to our own pages", async () => {
    const { cookies, proofId, code } = await ask();
    const input = { proofId, code, transport: "cookie" as const };
    expect((await calls.mutate("auth.loginWithCode", input)).error).toMatchObject({
      code: "PROOF_REFUSED",
      details: { reason: "other_browser" },
    });
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await calls.mutate("auth.loginWithCode", input, { cookies, headers })).code).toBe("FOREIGN_ORIGIN");
    expect((await calls.mutate("auth.loginWithCode", input, { cookies })).status).toBe(200);
  });

  it("[S67] cannot be checked beforehand, which would count no failed sign-in", async () => {
    const { cookies, proofId, code } = await ask();
    for (const typed of [code, "BCDF-GHJK"])
      expect((await calls.mutate("account.checkCode", { proofId, code: typed }, { cookies })).error).toMatchObject({
        code: "PROOF_REFUSED",
        details: { reason: "expired" },
      });
    expect((await calls.mutate("auth.loginWithCode", { proofId, code }, { cookies })).status).toBe(200);
  });

  it("[S108] is asked for again by the ID of the first code", async () => {
    const first = await ask();
    clock.advanceSeconds(1); // so that the next mail is the newest
    const again = await calls.mutate("account.resendProof", { proofId: first.proofId }, { cookies: first.cookies });
    const { code } = await mailTo(email);
    const { cookies } = first;
    expect((await calls.mutate("auth.loginWithCode", first, { cookies })).error).toMatchObject({
      details: { reason: "cancelled" },
    });
    const input = { proofId: again.data.proofId, code };
    expect((await calls.mutate("auth.loginWithCode", input, { cookies })).data.user.username).toBe("ann");
  });
});
