import { describe, expect, it } from "vitest";
import { callsTo } from "../../test/calls.ts";
import { startTestServer } from "../testing.ts";
import { plainForwardedFor } from "./forwarded-for.ts";

describe("[S93] X-Forwarded-For", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:51234", "203.0.113.7"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
    ["2001:0db8:0:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:80", "203.0.113.7"],
    ["unknown", "unknown"],
    ["203.0.113.7:1, 198.51.100.2 ,[2001:db8::2]:3", "203.0.113.7, 198.51.100.2, 2001:db8::2"],
    ["", ""],
    ["999.1.1.1:80", "999.1.1.1:80"],
    ["[not an address]:80", "[not an address]:80"],
  ])("%j is read as %j", (header, plain) => {
    expect(plainForwardedFor(header)).toBe(plain);
  });

  it("counts guesses from one address as one, whatever port the proxy adds", async () => {
    await using server = await startTestServer({ config: { trustProxy: ["127.0.0.1"] } });
    const { mutate } = callsTo(server.app);
    const guess = (index: number, forwarded: string) =>
      mutate(
        "auth.login",
        { username: `user${index}`, password: "x" },
        { address: "127.0.0.1", headers: { "x-forwarded-for": forwarded } },
      );
    for (let index = 0; index < 30; index++)
      expect((await guess(index, `203.0.113.7:${50_000 + index}`)).code).toBe("INVALID_CREDENTIALS");
    expect((await guess(31, "203.0.113.7:60000")).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await guess(32, "[::ffff:203.0.113.7]:60000")).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await guess(33, "203.0.113.8:60000")).code).toBe("INVALID_CREDENTIALS");
    // A trusted proxy is skipped, with its port.
    expect((await guess(34, "203.0.113.7, 127.0.0.1:8080")).code).toBe("TOO_MANY_ATTEMPTS");
  });

  it("counts an invalid address as the proxy's, and does not store it", async () => {
    await using server = await startTestServer({ config: { trustProxy: ["127.0.0.1"] } });
    const { mutate } = callsTo(server.app);
    const guess = (index: number) =>
      mutate(
        "auth.login",
        { username: `user${index}`, password: "x" },
        { address: "127.0.0.1", headers: { "x-forwarded-for": `not an address ${index} ${"x".repeat(5000)}` } },
      );
    for (let index = 0; index < 30; index++) expect((await guess(index)).code).toBe("INVALID_CREDENTIALS");
    expect((await guess(31)).code).toBe("TOO_MANY_ATTEMPTS");
    const attempts = server.db.selectFrom("audit_log").where("action", "=", "sign_in");
    expect(await attempts.select("address").distinct().execute()).toEqual([{ address: "127.0.0.1" }]);
  });

  it("is ignored unless it comes from a trusted proxy", async () => {
    await using server = await startTestServer({ config: { trustProxy: ["10.0.0.0/8"] } });
    const { mutate } = callsTo(server.app);
    for (let index = 0; index < 31; index++)
      await mutate(
        "auth.login",
        { username: `user${index}`, password: "x" },
        { address: "198.51.100.9", headers: { "x-forwarded-for": `203.0.113.${index}` } },
      );
    expect((await mutate("auth.login", { username: "user99", password: "x" }, { address: "198.51.100.9" })).code).toBe(
      "TOO_MANY_ATTEMPTS",
    );
  });
});
