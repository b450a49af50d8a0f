// Hostile input to everything that reads a passkey, a code or a challenge, over HTTP.

import { randomBytes } from "node:crypto";
import { isoCBOR } from "@simplewebauthn/server/helpers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { callsTo } from "../../test/calls.ts";
import { engines, type NewDatabase } from "../../test/engines.ts";
import { createAuthenticator } from "../../test/software-authenticator.ts";
import { john, signInAs, startTestServer, testClock, testSource, typed } from "../testing.ts";

const publicUrl = "https://api.example.com";

const base64url = (data: Uint8Array | string) => Buffer.from(data).toString("base64url");

/**
 * A server with John, who has an authenticator app, a passkey and recovery codes, and Mary, who has to add a factor
 * before she signs in.
 */
const startHostile = async (database: NewDatabase) => {
  const clock = testClock();
  /** What the server logs as a warning or worse. */
  const lines: string[] = [];
  const server = await startTestServer({
    now: clock.now,
    databaseUrl: database.url,
    config: { publicUrl },
    logger: { level: "warn", stream: { write: (line) => void lines.push(line) } },
  });
  const { db, domain } = server;
  const calls = callsTo(server.app);
  const { user: mary } = await signInAs(server, "mary");
  await domain.users.requireFactor(mary.id, true);
  const owner = await domain.signIn.withPassword(typed(john.username, john.password));
  const app = await domain.factorSignIn.beginFactor(owner, "totp");
  const key = await domain.factorSignIn.beginFactor(owner, "passkey");
  if (app.kind !== "totp" || key.kind !== "passkey") throw new Error("Another kind of factor was begun");
  const authenticator = createAuthenticator({ origin: publicUrl });
  for (const finished of [
    { enrolmentId: app.enrolmentId, name: "Phone", totp: codeOf(app.secret, clock.now()) },
    { enrolmentId: key.enrolmentId, name: "Key", passkey: authenticator.create(key) },
  ])
    await domain.factorSignIn.completeFactor(owner, finished, testSource);

  /** A code of John's app that was not used. */
  const code = () => {
    clock.advanceSeconds(60);
    return codeOf(app.secret, clock.now());
  };
  let recoveryCodes: string[] = [];
  const recoveryCode = async () => {
    if (recoveryCodes.length === 0) recoveryCodes = await domain.recoveryCodes.renew(owner.user.id, testSource);
    return recoveryCodes.pop() ?? "";
  };
  const passkeyChallenge = async () => (await calls.mutate("auth.passkeyOptions", undefined)).data;
  const passkey = async () => authenticator.get(await passkeyChallenge());
  let token = "";

  const pendingChallenge = async (username: string = john.username) => {
    await db.deleteFrom("throttles").execute();
    const { data } = await calls.mutate("auth.login", { username, password: john.password });
    return (data as unknown as { challengeId: string }).challengeId;
  };
  const beginFactor = async <K extends "totp" | "passkey">(kind: K) => {
    const { data } = await calls.mutate("factor.begin", { kind }, { token });
    return data as Extract<typeof data, { kind: K }>;
  };
  const newPasskey = (begun: Awaited<ReturnType<typeof beginFactor<"passkey">>>) =>
    createAuthenticator({ origin: publicUrl }).create(begun);
  const beginEnrolment = async <K extends "totp" | "passkey">(challengeId: string, kind: K) => {
    const { data } = await calls.mutate("auth.beginEnrolment", { challengeId, kind });
    return data as Extract<typeof data, { kind: K }>;
  };

  /** Inputs that are right until something in them is changed. */
  const inputs = {
    "auth.loginWithPasskey": { passkey: async () => ({ passkey: await passkey() }) },
    "auth.stepUp": {
      passkey: async () => ({ passkey: await passkey() }),
      totp: async () => ({ totp: code() }),
      "recovery code": async () => ({ recoveryCode: await recoveryCode() }),
    },
    "auth.completeLogin": {
      passkey: async () => ({ challengeId: await pendingChallenge(), passkey: await passkey() }),
      totp: async () => ({ challengeId: await pendingChallenge(), totp: code() }),
      "recovery code": async () => ({
        challengeId: await pendingChallenge(),
        recoveryCode: await recoveryCode(),
      }),
    },
    "factor.begin": { totp: async () => ({ kind: "totp" }) },
    "factor.complete": {
      passkey: async () => {
        const begun = await beginFactor("passkey");
        return { enrolmentId: begun.enrolmentId, name: "Another", passkey: newPasskey(begun) };
      },
      totp: async () => {
        const { enrolmentId, secret } = await beginFactor("totp");
        return { enrolmentId, name: "Another", totp: codeOf(secret, clock.now()) };
      },
    },
    "auth.beginEnrolment": {
      totp: async () => ({ challengeId: await pendingChallenge("mary"), kind: "totp" }),
      passkey: async () => ({ challengeId: await pendingChallenge("mary"), kind: "passkey" }),
    },
    "auth.completeEnrolment": {
      passkey: async () => {
        const challengeId = await pendingChallenge("mary");
        const begun = await beginEnrolment(challengeId, "passkey");
        return { challengeId, enrolmentId: begun.enrolmentId, name: "Another", passkey: newPasskey(begun) };
      },
      totp: async () => {
        const challengeId = await pendingChallenge("mary");
        const { enrolmentId, secret } = await beginEnrolment(challengeId, "totp");
        return { challengeId, enrolmentId, name: "Another", totp: codeOf(secret, clock.now()) };
      },
    },
  } as const satisfies Record<string, Record<string, () => Promise<object>>>;

  /** Signs John in again, so that each test may change factors. */
  const renewToken = async () => {
    token = (await calls.mutate("auth.loginWithPasskey", { passkey: await passkey() })).data.accessToken;
  };

  return {
    ...{ server, db, calls, clock, lines, authenticator, inputs, code, passkey, renewToken, mary },
    ...{ passkeyChallenge, pendingChallenge, beginFactor, beginEnrolment, newPasskey },
    token: () => token,

    /** Sends a body as it is, without any limit of attempts. */
    async send(path: string, body: string) {
      await db.deleteFrom("throttles").execute();
      const { statusCode, body: answer } = await server.app.inject({
        method: "POST",
        url: `/trpc/${path}`,
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        payload: body,
      });
      const { error } = JSON.parse(answer) as { error?: { data: { code: string } } };
      return { statusCode, code: error?.data.code ?? "OK" };
    },

    /** Everything that a refused call leaves alone. */
    async stored() {
      const tables = ["users", "factors", "recovery_codes", "trusted_devices", "sessions"] as const;
      const rows = await Promise.all([
        ...tables.map((table) => db.selectFrom(table).selectAll().execute()),
        // The dispatcher changes the other columns.
        db.selectFrom("messages").select(["id", "template"]).execute(),
      ]);
      return rows.map((each) => each.map((row) => JSON.stringify(row)).sort());
    },
  };
};
type Hostile = Awaited<ReturnType<typeof startHostile>>;

const nested = (depth: number): unknown => {
  let value: unknown = "x";
  for (let n = 0; n < depth; n++) value = { a: value };
  return value;
};

const wrongValues: readonly unknown[] = [
  null,
  true,
  0,
  -1e308,
  "",
  "\0",
  "\ud800",
  "+/==",
  "é",
  "A",
  "A".repeat(200),
  "A".repeat(20_000),
  "A".repeat(90_000),
  [],
  ["A"],
  {},
  { toString: "A", length: 3 },
  nested(3000),
];

/** Bytes in place of an attestation object. */
const wrongAttestations: readonly Uint8Array[] = [
  new Uint8Array(),
  // Arrays in arrays, to the limit of the length.
  new Uint8Array(15_000).fill(0x81),
  // Maps in maps without an end.
  new Uint8Array(15_000).fill(0xbf),
  // An array and a text of 2^64 - 1 items.
  new Uint8Array([0x9b, ...Array(8).fill(0xff)]),
  new Uint8Array([0x7b, ...Array(8).fill(0xff)]),
  new Uint8Array([0xc1, 0xfb, ...Array(8).fill(0x41)]),
  randomBytes(2000),
  isoCBOR.encode(new Map([["authData", "text"]])),
  isoCBOR.encode(new Map([["authData", new Map()]])),
  isoCBOR.encode(new Map([["authData", new Uint8Array(36)]])),
  isoCBOR.encode(new Map([["authData", new Uint8Array(200).fill(0xff)]])),
  isoCBOR.encode(new Map([["authData", randomBytes(164)]])),
];

const wrongClientData: readonly (string | Uint8Array)[] = [
  "null",
  "[]",
  "0",
  "{}",
  '{"type":{},"challenge":[],"origin":null}',
  '{"type":"webauthn.get","challenge":{"a":1},"origin":["https://api.example.com"]}',
  `{"__proto__":{"crossOrigin":false},"type":"webauthn.create"}`,
  "[".repeat(2500),
  new Uint8Array([0xff, 0xfe, 0x7b]),
];

const wrongAuthenticatorData: readonly Uint8Array[] = [
  new Uint8Array(),
  new Uint8Array(36),
  new Uint8Array(37),
  new Uint8Array(37).fill(0xff),
  new Uint8Array(2900).fill(0xff),
  randomBytes(300),
];

/** The paths of all values that are not objects. */
const leavesOf = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, child]) => leavesOf(child, [...path, key]))
    : [path];

const withValue = (input: unknown, [key = "", ...rest]: readonly string[], value: unknown): unknown => ({
  ...(input as object),
  [key]: rest.length === 0 ? value : withValue((input as Record<string, unknown>)[key], rest, value),
});

/** The path of an operation, and whether its input has a passkey, a code or neither. */
type Path = keyof Hostile["inputs"];
const cases: readonly (readonly [path: Path, by: string])[] = [
  ["auth.loginWithPasskey", "passkey"],
  ["auth.stepUp", "passkey"],
  ["auth.stepUp", "totp"],
  ["auth.stepUp", "recovery code"],
  ["auth.completeLogin", "passkey"],
  ["auth.completeLogin", "totp"],
  ["auth.completeLogin", "recovery code"],
  ["factor.begin", "totp"],
  ["factor.complete", "passkey"],
  ["factor.complete", "totp"],
  ["auth.beginEnrolment", "totp"],
  ["auth.beginEnrolment", "passkey"],
  ["auth.completeEnrolment", "passkey"],
  ["auth.completeEnrolment", "totp"],
];

/** Cases whose input has a challenge, or is one itself, and so is good for one time and ten minutes. */
const withChallenge = cases.filter(
  ([path, by]) => path !== "factor.begin" && (path !== "auth.stepUp" || by === "passkey"),
);

describe.each(engines)("hostile input with a second factor on $engine", ({ newDatabase }) => {
  let database: NewDatabase;
  let hostile: Hostile;
  beforeAll(async () => {
    database = await newDatabase("migrated");
    hostile = await startHostile(database);
  });
  afterAll(async () => {
    await hostile.server.close();
    await database.drop();
  });
  beforeEach(async () => {
    await hostile.db.deleteFrom("factors").where("name", "=", "Another").execute();
    await hostile.renewToken();
    hostile.lines.length = 0;
  });

  const inputFor = (path: Path, by: string) =>
    (hostile.inputs[path] as Record<string, () => Promise<object>>)[by]?.() ?? Promise.reject(new Error(by));

  /** Refused as the caller's failure, without a word in the log. */
  const expectRefused = (answers: readonly { readonly input: string; readonly statusCode: number }[]) => {
    expect(answers.filter(({ statusCode }) => statusCode < 400 || statusCode >= 500)).toEqual([]);
    expect(hostile.lines).toEqual([]);
  };

  it.each(cases)(
    "[S110] %s by %s refuses values of every other type and size, and stores nothing",
    async (path, by) => {
      const right = await inputFor(path, by);
      const before = await hostile.stored();
      // Any text is a name.
      const leaves = leavesOf(right).filter((leaf) => leaf.join() !== "name");
      const answers = [];
      for (const leaf of leaves)
        for (const [n, value] of wrongValues.entries()) {
          const answer = await hostile.send(path, JSON.stringify(withValue(right, leaf, value)));
          answers.push({ input: `${leaf.join(".")} ${n}`, ...answer });
        }
      expect(answers).toHaveLength(leaves.length * wrongValues.length);
      expectRefused(answers);
      expect(await hostile.stored()).toEqual(before);
      // It was right: only what was changed was refused.
      expect((await hostile.send(path, JSON.stringify(await inputFor(path, by)))).code).toBe("OK");
    },
  );

  it.each(cases)("%s by %s refuses a body that is too large or no object", async (path) => {
    const answers = [];
    for (const [n, body] of [`{"a":"${"x".repeat(3_000_000)}"}`, "", "[", "null", "[]", '"x"', "1e999"].entries())
      answers.push({ input: `${path} ${n}`, ...(await hostile.send(path, body)) });
    expectRefused(answers);
  });

  it("[S110] malformed CBOR, client data and authenticator data are refused, and store nothing", async () => {
    const answers: { input: string; statusCode: number; code: string }[] = [];
    const sendChanged = async (path: Path, leaf: readonly string[], data: Uint8Array | string, n: number) => {
      const right = await inputFor(path, "passkey");
      const before = await hostile.stored();
      const answer = await hostile.send(path, JSON.stringify(withValue(right, leaf, base64url(data))));
      answers.push({ input: `${path} ${leaf.at(-1)} ${n}`, ...answer });
      expect(await hostile.stored()).toEqual(before);
    };
    const response = ["passkey", "response"] as const;
    const answered = ["passkey", "credential", "response"] as const;
    for (const path of ["factor.complete", "auth.completeEnrolment"] as const) {
      for (const [n, data] of wrongAttestations.entries())
        await sendChanged(path, [...response, "attestationObject"], data, n);
      for (const [n, data] of wrongClientData.entries())
        await sendChanged(path, [...response, "clientDataJSON"], data, n);
    }
    for (const path of ["auth.loginWithPasskey", "auth.stepUp", "auth.completeLogin"] as const) {
      for (const [n, data] of wrongClientData.entries())
        await sendChanged(path, [...answered, "clientDataJSON"], data, n);
      for (const [n, data] of wrongAuthenticatorData.entries())
        await sendChanged(path, [...answered, "authenticatorData"], data, n);
    }
    expectRefused(answers);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(["FACTOR_REFUSED", "INVALID_CREDENTIALS"]));
  });

  it("[S111] a challenge is taken only where it belongs", async () => {
    const enrolment = await hostile.pendingChallenge("mary");
    const challenges = {
      passkey: (await hostile.passkeyChallenge()).challengeId,
      signIn: await hostile.pendingChallenge(),
      enrolment,
      factor: (await hostile.beginFactor("totp")).enrolmentId,
      enrolmentFactor: (await hostile.beginEnrolment(enrolment, "totp")).enrolmentId,
      "made up": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA",
      empty: "",
    };
    const places: readonly (readonly [Path, string, readonly string[], keyof typeof challenges])[] = [
      ["auth.loginWithPasskey", "passkey", ["passkey", "challengeId"], "passkey"],
      ["auth.stepUp", "passkey", ["passkey", "challengeId"], "passkey"],
      ["auth.completeLogin", "passkey", ["passkey", "challengeId"], "passkey"],
      ["auth.completeLogin", "passkey", ["challengeId"], "signIn"],
      ["auth.completeLogin", "totp", ["challengeId"], "signIn"],
      ["auth.completeLogin", "recovery code", ["challengeId"], "signIn"],
      ["factor.complete", "passkey", ["enrolmentId"], "factor"],
      ["factor.complete", "totp", ["enrolmentId"], "factor"],
      ["auth.beginEnrolment", "totp", ["challengeId"], "enrolment"],
      ["auth.beginEnrolment", "passkey", ["challengeId"], "enrolment"],
      ["auth.completeEnrolment", "totp", ["challengeId"], "enrolment"],
      ["auth.completeEnrolment", "passkey", ["challengeId"], "enrolment"],
      ["auth.completeEnrolment", "totp", ["enrolmentId"], "enrolmentFactor"],
      ["auth.completeEnrolment", "passkey", ["enrolmentId"], "enrolmentFactor"],
    ];
    const taken: string[] = [];
    for (const [path, by, leaf, own] of places)
      for (const [kind, challenge] of Object.entries(challenges)) {
        if (kind === own) continue;
        const answer = await hostile.send(path, JSON.stringify(withValue(await inputFor(path, by), leaf, challenge)));
        if (answer.code !== "CHALLENGE_EXPIRED") taken.push(`${path} ${by} ${leaf.join(".")} ${kind}: ${answer.code}`);
      }
    expect(taken).toEqual([]);
    expect(hostile.lines).toEqual([]);
  });

  // To begin is no use of a challenge.
  it.each(withChallenge.filter(([path]) => path !== "auth.beginEnrolment"))(
    "[S110] %s by %s works once",
    async (path, by) => {
      const input = JSON.stringify(await inputFor(path, by));
      expect((await hostile.send(path, input)).code).toBe("OK");
      await hostile.renewToken();
      const again = await hostile.send(path, input);
      // A code is checked before the challenge is spent.
      expect(again.code).toMatch(
        path === "auth.completeLogin" && by !== "passkey" ? /FACTOR_REFUSED/ : /CHALLENGE_EXPIRED/,
      );
      expect(hostile.lines).toEqual([]);
    },
  );

  it.each(withChallenge)("[S110] %s by %s works for ten minutes", async (path, by) => {
    const input = JSON.stringify(await inputFor(path, by));
    hostile.clock.advanceSeconds(601);
    expect((await hostile.send(path, input)).code).toBe("CHALLENGE_EXPIRED");
    expect(hostile.lines).toEqual([]);
  });

  it("[S111] nobody finishes what another person began, or proves another person's factor", async () => {
    const { calls, server, code, passkey } = hostile;
    const { accessToken: token } = await signInAs(server, "jane");
    for (const by of ["passkey", "totp"] as const) {
      const input = (await inputFor("factor.complete", by)) as never;
      expect((await calls.mutate("factor.complete", input, { token })).code).toBe("CHALLENGE_EXPIRED");
    }
    expect((await calls.mutate("auth.stepUp", { passkey: await passkey() }, { token })).code).toBe("FACTOR_REFUSED");
    expect((await calls.mutate("auth.stepUp", { totp: code() }, { token })).code).toBe("FACTOR_REFUSED");
    const byRecoveryCode = await hostile.inputs["auth.stepUp"]["recovery code"]();
    expect((await calls.mutate("auth.stepUp", byRecoveryCode, { token })).code).toBe("FACTOR_REFUSED");
    const { factors } = (await calls.query("factor.list", { token: hostile.token() })).data;
    const factorId = factors[0]?.id ?? "";
    const herPasskey = createAuthenticator({ origin: publicUrl });
    const begun = await calls.mutate("factor.begin", { kind: "passkey" }, { token });
    if (begun.data.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const added = { enrolmentId: begun.data.enrolmentId, name: "Another", passkey: herPasskey.create(begun.data) };
    expect((await calls.mutate("factor.complete", added, { token })).code).toBe("OK");
    const other = { factorId, name: "Hers" };
    expect((await calls.mutate("factor.rename", other, { token })).code).toBe("FACTOR_NOT_FOUND");
    expect((await calls.mutate("factor.remove", { factorId }, { token })).code).toBe("FACTOR_NOT_FOUND");
    expect(hostile.lines).toEqual([]);
  });

  it("a sign-in answers alike whether an account has the passkey, and whether it exists", async () => {
    const { calls, authenticator, passkeyChallenge } = hostile;
    const stranger = createAuthenticator({ origin: publicUrl });
    stranger.create(await hostile.beginFactor("passkey"));
    const attempts = [
      stranger.get(await passkeyChallenge()),
      authenticator.get(await passkeyChallenge(), { forged: true }),
      authenticator.get(await passkeyChallenge(), { userHandle: base64url("somebody else") }),
    ];
    const answers = [];
    for (const passkey of attempts) {
      const { status, error, cookies } = await calls.mutate("auth.loginWithPasskey", { passkey, transport: "cookie" });
      answers.push({ status, cookies, error: { ...error, requestId: "" } });
    }
    expect(answers).toEqual(Array(3).fill(answers[0]));
    expect(answers[0]).toMatchObject({ status: 401, error: { code: "INVALID_CREDENTIALS" }, cookies: {} });
    // Whether a factor is asked for is said only to whoever knows the password.
    const wrong = [];
    for (const username of [john.username, "mary", "nobody"]) {
      const { status, error } = await calls.mutate("auth.login", { username, password: "a wrong password" });
      wrong.push({ status, error: { ...error, requestId: "" } });
    }
    expect(wrong).toEqual(Array(3).fill(wrong[0]));
  });
});

it("[S110] no operation takes a passkey at an address where there can be none, and each says so", async () => {
  const clock = testClock();
  const lines: string[] = [];
  await using server = await startTestServer({
    now: clock.now,
    config: { publicUrl: "https://127.0.0.1" },
    logger: { level: "warn", stream: { write: (line) => void lines.push(line) } },
  });
  const calls = callsTo(server.app);
  const { signIn, factorSignIn } = server.domain;
  const owner = await signIn.withPassword(typed(john.username, john.password));
  const begun = await factorSignIn.beginFactor(owner, "totp");
  if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
  const totp = codeOf(begun.secret, clock.now());
  await factorSignIn.completeFactor(owner, { enrolmentId: begun.enrolmentId, name: "Phone", totp }, testSource);
  const { challengeId } = (await calls.mutate("auth.login", { username: john.username, password: john.password }))
    .data as unknown as { challengeId: string };
  const passkey = {
    challengeId: "",
    credential: {
      id: "AA",
      rawId: "AA",
      type: "public-key" as const,
      response: { clientDataJSON: "", authenticatorData: "", signature: "" },
    },
  };
  const { accessToken: token } = owner;
  const answers = [
    await calls.mutate("auth.loginWithPasskey", { passkey }),
    await calls.mutate("auth.completeLogin", { challengeId, passkey }),
    await calls.mutate("auth.stepUp", { passkey }, { token }),
    await calls.mutate("factor.begin", { kind: "passkey" }, { token }),
    await calls.mutate("auth.passkeyOptions", undefined),
  ];
  expect(answers.map(({ code }) => code)).toEqual(Array(5).fill("PASSKEYS_OFF"));
  expect(lines).toEqual([]);
});
