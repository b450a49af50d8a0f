// Hostile input to everything that reads a passkey, a code or a challenge, over HTTP.

import { randomBytes } from "node:crypto";
import { isoCBOR } from "@simplewebauthn/server/helpers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { callsTo } from "../../test/calls.ts";
import { createAuthenticator } from "../../test/software-authenticator.ts";
import { john, signInAs, startTestServer, type TestServer, testClock, testSource, typed } from "../testing.ts";

const publicUrl = "https://api.example.com";
const clock = testClock();
const lines: string[] = [];
let server: TestServer;
let calls: ReturnType<typeof callsTo>;
/** John has an authenticator app and a passkey. */
let secret: string;
let authenticator: ReturnType<typeof createAuthenticator>;
let token: string;

const base64url = (data: Uint8Array | string) => Buffer.from(data).toString("base64url");

beforeAll(async () => {
  server = await startTestServer({
    now: clock.now,
    config: { publicUrl },
    logger: { level: "warn", stream: { write: (line) => void lines.push(line) } },
  });
  calls = callsTo(server.app);
  const { signIn, factorSignIn } = server.domain;
  const owner = await signIn.withPassword(typed(john.username, john.password));
  const app = await factorSignIn.beginFactor(owner, "totp");
  const key = await factorSignIn.beginFactor(owner, "passkey");
  if (app.kind !== "totp" || key.kind !== "passkey") throw new Error("Another kind of factor was begun");
  secret = app.secret;
  authenticator = createAuthenticator({ origin: publicUrl });
  for (const finished of [
    { enrolmentId: app.enrolmentId, name: "Phone", totp: codeOf(secret, clock.now()) },
    { enrolmentId: key.enrolmentId, name: "Key", passkey: authenticator.create(key) },
  ])
    await factorSignIn.completeFactor(owner, finished, testSource);
});
afterAll(() => server.close());
beforeEach(async () => {
  token = (await calls.mutate("auth.loginWithPasskey", await inputs["auth.loginWithPasskey"]())).data.accessToken;
});

/** Sends a body as it is, without any limit of attempts. */
const send = async (path: string, body: string) => {
  await server.db.deleteFrom("throttles").execute();
  const { statusCode, body: answer } = await server.app.inject({
    method: "POST",
    url: `/trpc/${path}`,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    payload: body,
  });
  const { error } = JSON.parse(answer) as { error?: { data: { code: string } } };
  return { statusCode, code: error?.data.code ?? "OK" };
};

const passkeyChallenge = async () => (await calls.mutate("auth.passkeyOptions", undefined)).data;

const pendingChallenge = async (username: string = john.username) => {
  await server.db.deleteFrom("throttles").execute();
  const { data } = await calls.mutate("auth.login", { username, password: john.password });
  return (data as unknown as { challengeId: string }).challengeId;
};

const beginPasskey = async () => {
  const begun = (await calls.mutate("factor.begin", { kind: "passkey" }, { token })).data;
  if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
  return begun;
};

/** An input that is right until something in it is changed. */
const inputs = {
  "auth.loginWithPasskey": async () => ({ passkey: authenticator.get(await passkeyChallenge()) }),
  "auth.stepUp": async () => ({ passkey: authenticator.get(await passkeyChallenge()) }),
  "auth.completeLogin": async () => ({
    challengeId: await pendingChallenge(),
    passkey: authenticator.get(await passkeyChallenge()),
  }),
  "factor.complete": async () => {
    const begun = await beginPasskey();
    return {
      enrolmentId: begun.enrolmentId,
      name: "Another",
      passkey: createAuthenticator({ origin: publicUrl }).create(begun),
    };
  },
};
type Path = keyof typeof inputs;
const paths = Object.keys(inputs) as Path[];

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

interface Answer {
  readonly input: string;
  readonly statusCode: number;
}

/** Refused as the caller's failure, without a word in the log. */
const expectRefused = (answers: readonly Answer[]) => {
  expect(answers.filter(({ statusCode }) => statusCode < 400 || statusCode >= 500)).toEqual([]);
  expect(lines).toEqual([]);
};

describe("hostile input with a second factor", () => {
  it.each(paths)("[S110] %s refuses values of every other type and size", async (path) => {
    const right = await inputs[path]();
    const answers = [];
    for (const leaf of leavesOf(right)) {
      // Any text is a name.
      if (leaf.join() === "name") continue;
      for (const [n, value] of wrongValues.entries()) {
        const answer = await send(path, JSON.stringify(withValue(right, leaf, value)));
        answers.push({ input: `${leaf.join(".")} ${n}`, ...answer });
      }
    }
    expect(answers.length).toBeGreaterThan(100);
    expectRefused(answers);
    // It was right: only what was changed was refused.
    expect((await send(path, JSON.stringify(await inputs[path]()))).code).toBe("OK");
    const { factors } = (await calls.query("factor.list", { token })).data ?? { factors: [] };
    for (const { id, name } of factors)
      if (name === "Another") await calls.mutate("factor.remove", { factorId: id }, { token });
  });

  it("[S110] refuses malformed CBOR and client data, in any field, in bounded time", async () => {
    const answers: Answer[] = [];
    const sendChanged = async (path: Path, leaf: readonly string[], data: Uint8Array | string, n: number) => {
      const answer = await send(path, JSON.stringify(withValue(await inputs[path](), leaf, base64url(data))));
      answers.push({ input: `${path} ${leaf.at(-1)} ${n}`, ...answer });
    };
    const response = ["passkey", "response"] as const;
    const answered = ["passkey", "credential", "response"] as const;
    for (const [n, data] of wrongAttestations.entries())
      await sendChanged("factor.complete", [...response, "attestationObject"], data, n);
    for (const [n, data] of wrongClientData.entries()) {
      await sendChanged("factor.complete", [...response, "clientDataJSON"], data, n);
      await sendChanged("auth.loginWithPasskey", [...answered, "clientDataJSON"], data, n);
    }
    for (const [n, data] of wrongAuthenticatorData.entries())
      await sendChanged("auth.loginWithPasskey", [...answered, "authenticatorData"], data, n);
    expectRefused(answers);
  });

  it("[S111] takes a challenge only for what it was made for, by whom, and once", async () => {
    const jane = await signInAs(server, "jane");
    const options = await passkeyChallenge();
    const enrolment = await beginPasskey();
    const signIn = await pendingChallenge();
    const code = () => {
      clock.advanceSeconds(60);
      return codeOf(secret, clock.now());
    };
    const answer = authenticator.get(options);
    const refusals = {
      "an enrolment as a sign-in": await calls.mutate("auth.completeLogin", {
        challengeId: enrolment.enrolmentId,
        totp: code(),
      }),
      "a passkey's challenge as a sign-in": await calls.mutate("auth.completeLogin", {
        challengeId: options.challengeId,
        totp: code(),
      }),
      "a sign-in as a passkey's challenge": await calls.mutate("auth.loginWithPasskey", {
        passkey: { ...answer, challengeId: signIn },
      }),
      "a sign-in as an enrolment": await calls.mutate("auth.beginEnrolment", { challengeId: signIn, kind: "totp" }),
      "another person's enrolment": await calls.mutate(
        "factor.complete",
        {
          enrolmentId: enrolment.enrolmentId,
          name: "X",
          passkey: createAuthenticator({ origin: publicUrl }).create(enrolment),
        },
        { token: jane.accessToken },
      ),
    };
    expect(Object.entries(refusals).map(([what, { code }]) => [what, code])).toEqual(
      Object.keys(refusals).map((what) => [what, "CHALLENGE_EXPIRED"]),
    );
    // Another person's passkey does not step this one's session up, though it is right.
    const stepped = await calls.mutate("auth.stepUp", { passkey: answer }, { token: jane.accessToken });
    expect(stepped.code).not.toBe("OK");
    expect((await calls.mutate("auth.loginWithPasskey", { passkey: answer })).code).toBe("CHALLENGE_EXPIRED");
    expect(lines).toEqual([]);
  });

  it("answers alike whether an account has the passkey, and whether it exists", async () => {
    const stranger = createAuthenticator({ origin: publicUrl });
    stranger.create(await beginPasskey());
    const unknown = await calls.mutate("auth.loginWithPasskey", { passkey: stranger.get(await passkeyChallenge()) });
    const forged = await calls.mutate("auth.loginWithPasskey", {
      passkey: authenticator.get(await passkeyChallenge(), { forged: true }),
    });
    expect([unknown.status, unknown.error]).toEqual([
      forged.status,
      { ...forged.error, requestId: expect.any(String) },
    ]);
  });
});
