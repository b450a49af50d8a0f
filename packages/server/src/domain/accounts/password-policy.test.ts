import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { SetPasswordInput } from "@lockstep/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPasswordPolicy, type PasswordPolicyOptions } from "./password-policy.ts";

const policyWith = (options: Partial<PasswordPolicyOptions> = {}) =>
  createPasswordPolicy({
    breachedPasswordsUrl: null,
    fetch: async () => {
      throw new Error("The tests have no network");
    },
    contextWords: ["lockstep", "example"],
    ...options,
  });

const policy = policyWith();

/** Hard to guess. */
const good = "wool lamp river stone";

describe("a new password", () => {
  it("[S62] must have 15 characters, and the refusal says so", async () => {
    const fifteen = "vq7 mzkw xo tbr";
    expect([...fifteen]).toHaveLength(15);
    expect(await policy.refusalOf(fifteen, [])).toBeNull();
    expect(await policy.refusalOf(fifteen.slice(0, 14), [])).toEqual({
      reason: "too_short",
      message: "Use at least 15 characters: a few words in a row do.",
    });
    expect(await policy.refusalOf("", [])).toMatchObject({ reason: "too_short" });
  });

  it("[S62] is counted in characters, not in bytes or UTF-16 units", async () => {
    const fourteenCamels = "🐪🌵🎷🧊🪁🦜🧵🪶🫧🛶🧭🪴🪈🦤";
    expect(fourteenCamels.length).toBeGreaterThanOrEqual(15);
    expect(await policy.refusalOf(fourteenCamels, [])).toMatchObject({ reason: "too_short" });
    expect(await policy.refusalOf(`${fourteenCamels}🫎`, [])).toBeNull();
    // e and a combining accent are one character.
    expect(await policy.refusalOf("ve\u0301loce ra\u0301pide", [])).toMatchObject({ reason: "too_short" });
  });

  it("[S62] may have 64 to 1024 characters", async () => {
    const words = fc.sample(fc.stringMatching(/^[a-z]{3,9}$/), { numRuns: 200, seed: 7 }).join(" ");
    for (const length of [64, 128, 129, 1024]) {
      expect(await policy.refusalOf(words.slice(0, length), [])).toBeNull();
    }
    expect(await policy.refusalOf(words.slice(0, 1025), [])).toEqual({
      reason: "too_long",
      message: "Use at most 1024 characters.",
    });
    const beyondUtf16 = words.slice(0, 512).replaceAll(" ", "🐪🌵🎷🧊🪁🦜🧵🪶🫧🛶");
    const camels = [...beyondUtf16, ...words].slice(0, 1024).join("");
    expect(camels.length).toBeGreaterThan(1024);
    expect(SetPasswordInput.safeParse({ newPassword: camels }).success).toBe(true);
    expect(await policy.refusalOf(camels, [])).toBeNull();
    expect(await policy.refusalOf(`${camels}x`, [])).toMatchObject({ reason: "too_long" });
  });

  it.each(["пароль очень длинный", "正しい馬電池ホチキスの針が四本ある", "şemsiye çöl ığdır", "כלב ירוק רץ מהר מאוד"])(
    "[S62] may be in any script: %s",
    async (password) => {
      expect(await policy.refusalOf(password, [])).toBeNull();
    },
  );

  it.each([
    ["lower case letters only", "unhappyturtlesclimbslowly"],
    ["capitals only", "UNHAPPY TURTLES CLIMB SLOWLY"],
    ["digits only", "837462910573628194"],
    ["spaces between words", good],
    ["one sign many times", "owl....lamp....door"],
  ])("[S63] needs no mixture of characters: %s", async (_, password) => {
    expect(await policy.refusalOf(password, [])).toBeNull();
  });

  it.each([
    "passwordpassword",
    "password123456789",
    "P@ssw0rdP@ssw0rd",
    "qwertyuiopasdfghjkl",
    "123456789012345",
    "a".repeat(64),
  ])("[S64] must not be a common one: %s", async (password) => {
    expect(await policy.refusalOf(password, [])).toMatchObject({
      reason: "guessable",
      message: expect.stringMatching(/^This is easy to guess\. [A-Z][^.]+\.$/),
    });
  });

  it.each([
    "jane.doe@corp.test",
    "Jane.Doe@Corp.Test",
    "JANE ELIZABETH DOE",
    "jane-the-second-of-corp",
    "jane-the-second-of-corp1",
    "ElizabethDoeJane",
  ])("[S64] must not be the user's name or address: %s", async (password) => {
    const personal = ["jane-the-second-of-corp", "jane.doe@corp.test", "Jane Elizabeth Doe"];
    expect(await policy.refusalOf(password, personal)).toMatchObject({ reason: "guessable" });
  });

  it("[S64] must not be the service's name", async () => {
    const here = policyWith({ contextWords: ["accounts-of-example", "lockstep"] });
    for (const password of ["accounts-of-example", "Accounts-Of-Example1", "lockstep lockstep", "lockstepslockstep"]) {
      expect(await here.refusalOf(password, [])).toMatchObject({ reason: "guessable" });
    }
  });

  it("[S62] is checked in bounded time, in any form that can be typed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 1100 }), async (password) => {
        const refusal = await policy.refusalOf(password, [password.slice(0, 50)]);
        expect(refusal === null || refusal.message.length > 0).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

/** A range service like Have I Been Pwned's, on this machine. */
const rangeService = async (answer: RequestListener) => {
  const requests: { url: string | undefined; padding: string | undefined; everything: string }[] = [];
  const server = createServer((request, response) => {
    const { url, headers, method } = request;
    requests.push({
      url,
      padding: headers["add-padding"] as string | undefined,
      everything: JSON.stringify([method, url, request.rawHeaders]),
    });
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url, requests, close, [Symbol.asyncDispose]: close };
};

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex").toUpperCase();

describe("a password that was in a data breach", () => {
  const suffix = sha1(good).slice(5);

  const refusalFrom = async (answer: RequestListener) => {
    await using service = await rangeService(answer);
    return await policyWith({ breachedPasswordsUrl: service.url, fetch }).refusalOf(good, []);
  };

  it("[S64] is refused with the reason", async () => {
    for (const newline of ["\r\n", "\n"]) {
      const lines = [`${"0".repeat(35)}:4`, `${suffix}:37`, `${"F".repeat(35)}:1`];
      expect(await refusalFrom((_, response) => response.end(lines.join(newline)))).toEqual({
        reason: "breached",
        message: "This password has appeared in a data breach. Choose another.",
      });
    }
  });

  it("[S64] is looked up by five characters of its hash, and nothing else is sent", async () => {
    await using service = await rangeService((_, response) => response.end());
    const personal = ["jane", "jane@example.com"];
    // With and without a trailing slash.
    const asking = policyWith({ breachedPasswordsUrl: service.url.replace(/\/$/, ""), fetch });
    expect(await asking.refusalOf(good, personal)).toBeNull();
    const [request, ...others] = service.requests;
    expect(others).toEqual([]);
    expect(request?.url).toBe(`/range/${sha1(good).slice(0, 5)}`);
    // Padding hides the range behind the size of the response.
    expect(request?.padding).toBe("true");
    const said = request?.everything.toUpperCase() ?? "";
    for (const secret of [good, suffix.slice(0, 6), ...personal]) expect(said).not.toContain(secret.toUpperCase());
  });

  it("[S64] is not looked up when it is refused anyway", async () => {
    await using service = await rangeService((_, response) => response.end());
    const asking = policyWith({ breachedPasswordsUrl: service.url, fetch });
    expect(await asking.refusalOf("passwordpassword", [])).toMatchObject({ reason: "guessable" });
    expect(await asking.refusalOf("short", [])).toMatchObject({ reason: "too_short" });
    expect(service.requests).toEqual([]);
  });

  it("[S64] is not refused because of padding, another hash's count, or a hash with the same prefix", async () => {
    const lines = [`${suffix}:0`, `${suffix.slice(0, 34)}:9`, `${"A".repeat(35)}:12`].join("\r\n");
    expect(await refusalFrom((_, response) => response.end(lines))).toBeNull();
  });

  it("[S64] is accepted when the service fails, disconnects or is unreachable", async () => {
    const failing: RequestListener[] = [
      (_, response) => response.writeHead(503).end(`${suffix}:37`),
      (_, response) => response.writeHead(429).end(),
      (request) => request.socket.destroy(),
      (_, response) => {
        response.writeHead(200, { "content-length": "1000" }).write("half an answer");
        response.destroy();
      },
    ];
    for (const answer of failing) expect(await refusalFrom(answer)).toBeNull();

    const gone = await rangeService((_, response) => response.end());
    await gone.close();
    expect(await policyWith({ breachedPasswordsUrl: gone.url, fetch }).refusalOf(good, [])).toBeNull();
  });

  it("[S64] is accepted when the service does not answer in time", async () => {
    let signal: AbortSignal | null | undefined;
    const asking = policyWith({
      breachedPasswordsUrl: "http://127.0.0.1/range/",
      fetch: async (_, options) => {
        signal = options?.signal;
        throw new DOMException("The operation timed out", "TimeoutError");
      },
    });
    expect(await asking.refusalOf(good, [])).toBeNull();
    expect(signal).toBeInstanceOf(AbortSignal);
  });
});
