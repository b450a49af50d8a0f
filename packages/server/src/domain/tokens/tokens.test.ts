import { createHmac, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { exportJWK, exportSPKI, importJWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer, testClock, typed } from "../../testing.ts";
import { accessTokenLifetimeSeconds } from "./tokens.ts";

const clock = testClock(Date.UTC(2030, 0, 1));
let server: TestServer;
let valid: string;

beforeAll(async () => {
  server = await startTestServer({ now: clock.now });
  const result = await server.domain.signIn.withPassword(typed("john", "secret"));
  valid = result.accessToken;
});
afterAll(() => server.close());

const status = async (token: string) => {
  const { statusCode, headers } = await server.app.inject({
    url: "/trpc/user.me",
    headers: { authorization: `Bearer ${token}` },
  });
  return { statusCode, challenge: headers["www-authenticate"] };
};
const refused = { statusCode: 401, challenge: expect.stringContaining('error="invalid_token"') };

const decode = (part: number) =>
  JSON.parse(Buffer.from(valid.split(".")[part] ?? "", "base64url").toString()) as JWTPayload;
const header = () => decode(0) as { alg: string; kid: string; typ: string };
const claims = () => decode(1);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token signed with our own key, with any header and claims. */
const signed = (payload: JWTPayload, protectedHeader: object = {}) => {
  const key = server.domain.keyring.signing();
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "at+jwt", ...protectedHeader })
    .sign(key.privateKey);
};
const without = (name: string) => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));

describe("an access token", () => {
  it("[S44] [S45] is a JWT of RFC 9068", async () => {
    expect(header()).toEqual({ alg: "ES256", kid: expect.stringMatching(/^[\w-]{43}$/), typ: "at+jwt" });
    expect(claims()).toEqual({
      iss: "http://localhost:3000",
      aud: "http://localhost:3000",
      sub: expect.any(String),
      client_id: "first-party",
      scope: "profile:read profile:write photos:read",
      sid: expect.any(String),
      acr: "1fa",
      amr: ["pwd"],
      auth_time: clock.now() / 1000,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      iat: clock.now() / 1000,
      exp: clock.now() / 1000 + accessTokenLifetimeSeconds,
    });
    expect(await status(valid)).toMatchObject({ statusCode: 200 });
  });

  it("is accepted when signed again with the same claims", async () => {
    expect(await status(await signed(claims()))).toMatchObject({ statusCode: 200 });
  });

  it.each(["iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "sid"])(
    "[S45] is refused without %s",
    async (name) => {
      expect(await status(await signed(without(name)))).toEqual(refused);
    },
  );

  it.each<[string, object]>([
    ["an ID token's typ", { typ: "JWT" }],
    ["no typ", { typ: undefined }],
    ["a logout token's typ", { typ: "logout+jwt" }],
  ])("[S44] [S49] is refused with %s", async (_name, protectedHeader) => {
    expect(await status(await signed(claims(), protectedHeader))).toEqual(refused);
  });

  it.each<[string, JWTPayload]>([
    ["another issuer", { iss: "https://evil.example" }],
    ["our issuer with a slash", { iss: "http://localhost:3000/" }],
    ["our issuer in capitals", { iss: "HTTP://LOCALHOST:3000" }],
    ["another audience", { aud: "https://other.example" }],
    ["no audience in the list", { aud: [] }],
    ["an expiry in the past", { exp: 1 }],
    ["a start in the future", { nbf: 4_000_000_000 }],
    ["an expiry that is no number", { exp: "tomorrow" as never }],
    ["a scope that is no text", { scope: ["profile:read"] }],
    ["a session that is not there", { sid: "nobody" }],
    ["another user than its session's", { sub: "nobody" }],
  ])("[S46] is refused with %s", async (_name, change) => {
    expect(await status(await signed({ ...claims(), ...change }))).toEqual(refused);
  });

  it("[S46] is accepted when its audience is a list that includes ours", async () => {
    const token = await signed({ ...claims(), aud: ["https://other.example", "http://localhost:3000"] });
    expect(await status(token)).toMatchObject({ statusCode: 200 });
  });

  it("[S46] expires, with a few seconds of tolerance", async () => {
    const { accessToken } = await server.domain.signIn.withPassword(typed("john", "secret"));
    clock.advanceSeconds(accessTokenLifetimeSeconds + 4);
    expect(await status(accessToken)).toMatchObject({ statusCode: 200 });
    clock.advanceSeconds(2);
    expect(await status(accessToken)).toEqual(refused);
    clock.advanceSeconds(-accessTokenLifetimeSeconds - 6);
  });

  it("[S41] bound to a key is refused as a bearer token (RFC 9449 §7.2)", async () => {
    expect(await status(await signed({ ...claims(), cnf: { jkt: "x" } }))).toEqual(refused);
  });

  it("[S47] is refused with alg none", async () => {
    const unsigned = `${base64url({ alg: "none", typ: "at+jwt", kid: header().kid })}.${base64url(claims())}.`;
    expect(await status(unsigned)).toEqual(refused);
    expect(await status(unsigned.replace(/^[^.]+/, base64url({ alg: "NoNe", typ: "at+jwt" })))).toEqual(refused);
  });

  it("[S47] is refused when the public key is used as an HMAC secret", async () => {
    const { publicKey } = server.domain.keyring.signing();
    const secrets = [await exportSPKI(publicKey), JSON.stringify(await exportJWK(publicKey)), ""];
    for (const secret of secrets) {
      const input = `${base64url({ alg: "HS256", typ: "at+jwt", kid: header().kid })}.${base64url(claims())}`;
      const mac = createHmac("sha256", secret).update(input).digest("base64url");
      expect(await status(`${input}.${mac}`)).toEqual(refused);
    }
  });

  it("[S48] is refused with a key in its header: jwk, jku, x5u, x5c", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = publicKey.export({ format: "jwk" });
    const key = await importJWK({ ...privateKey.export({ format: "jwk" }) }, "ES256");
    const headers = [
      { jwk },
      { jwk, kid: header().kid },
      { jku: "http://127.0.0.1:9/jwks" },
      { x5u: "http://127.0.0.1:9/cert" },
      { x5c: ["MIIB"] },
    ];
    for (const extra of headers) {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...extra } as never)
        .sign(key);
      expect(await status(token)).toEqual(refused);
    }
  });

  it.each(["../../etc/passwd", "' OR 1=1 --", "\u0000", "__proto__", "constructor", "x".repeat(4000), 7, null, {}])(
    "[S48] is refused with the kid %j",
    async (kid) => {
      const [, payload, signature] = valid.split(".");
      expect(await status(`${base64url({ ...header(), kid })}.${payload}.${signature}`)).toEqual(refused);
    },
  );

  it("[S37] is refused with extra characters before, after or inside", async () => {
    const [head, payload, signature] = valid.split(".");
    for (const token of [
      `${valid}.`,
      `${valid}.x`,
      `${valid}x`,
      `.${valid}`,
      `${head}.${payload}`,
      `${head}..${signature}`,
      `${valid} ${valid}`,
      `${valid},${valid}`,
      `${head}.${payload}.${signature}==`,
    ]) {
      expect(await status(token), token).toEqual(refused);
    }
  });

  it("[S37] is refused for any other text, without breaking the server", async () => {
    const anyToken = fc.oneof(
      fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
      fc
        .tuple(fc.json(), fc.json(), fc.base64String())
        .map(
          ([head, payload, signature]) =>
            `${Buffer.from(head).toString("base64url")}.${Buffer.from(payload).toString("base64url")}.${signature}`,
        ),
      fc.nat(valid.length - 1).map((at) => valid.slice(0, at)),
      fc.nat(valid.length - 60).map((at) => valid.slice(0, at) + (valid[at] === "A" ? "B" : "A") + valid.slice(at + 1)),
    );
    await fc.assert(
      fc.asyncProperty(anyToken, async (token) => {
        expect((await status(token)).statusCode).toBe(401);
      }),
      { numRuns: 300 },
    );
  });
});
