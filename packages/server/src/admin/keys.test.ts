import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { testClock, testWorld } from "../testing.ts";
import { openMigratedAdmin, type Ran } from "./testing.ts";

const listed = ({ stdout }: Ran) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; algorithm: string; state: string; signsFrom: number });

const claims = {
  userId: "jane",
  sessionId: "hers",
  clientId: "first-party",
  scopes: [],
  assurance: { acr: "1fa", amr: [], authenticatedAt: null } as const,
};

describe.each(engines)("lockstep keys on $engine", ({ newDatabase }) => {
  const open = () => {
    const clock = testClock();
    return openMigratedAdmin(newDatabase, testWorld(clock.now)).then((admin) => ({ ...admin, clock }));
  };

  it("lists the signing keys, without their private parts", async () => {
    await using admin = await open();
    const { db, domain } = await admin.open();
    const key = domain.keyring.signing();
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "list", "--json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      id: key.id,
      ordinal: 1,
      algorithm: "ES256",
      state: "signing",
      createdAt: key.createdAt,
      signsFrom: key.createdAt,
    });

    const human = await admin.lockstep(["keys", "list"]);
    const time = "\\d{4}-[^ ]*Z";
    expect(human.stdout).toMatch(
      new RegExp(`^ID +ALGORITHM  STATE    SIGNS FROM +CREATED\\n${key.id}  ES256      signing  ${time}  ${time}\\n$`),
    );
    const rotated = await admin.lockstep(["keys", "rotate", "--json"]);
    const retired = await admin.lockstep(["keys", "retire", key.id, "--json"]);
    const rows = await db.selectFrom("signing_keys").select("private_jwe").execute();
    for (const output of [stdout, human.stdout, rotated.stdout, retired.stdout]) {
      for (const { private_jwe } of rows) expect(output).not.toContain(private_jwe);
      expect(output).not.toContain('"d"');
    }
  });

  it("rotates: the next key is published, then signs, and the previous one verifies until its last token has expired", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    const first = domain.keyring.signing();
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "rotate"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const states = async () => listed(await admin.lockstep(["keys", "list", "--json"])).map(({ state }) => state);
    const [, second] = listed(await admin.lockstep(["keys", "list", "--json"]));
    expect(stdout).toBe(
      `${second?.id} (ES256) is published, and signs from ${new Date(second?.signsFrom ?? 0).toISOString()}.\n`,
    );
    expect(second?.signsFrom).toBe(admin.clock.now() + 5 * 60 * 1000);
    expect(await states()).toEqual(["signing", "coming"]);

    const { accessToken } = await domain.tokens.issue(claims);
    admin.clock.advanceSeconds(5 * 60);
    expect(await states()).toEqual(["verifying", "signing"]);
    expect(await domain.tokens.verify(accessToken)).toMatchObject({ userId: "jane" });
    // An ID token lasts an hour, plus five minutes for clocks that differ.
    admin.clock.advanceSeconds(65 * 60);
    expect(await states()).toEqual(["past", "signing"]);

    const trail = await domain.audit.list({ limit: 10 });
    expect(trail.map(({ action }) => action)).toEqual(["keys.rotate", "keys.rotate"]);
    expect(new Set(trail.map(({ detail }) => detail["key"]))).toEqual(new Set([first.id, second?.id]));
  });

  it("rotates and retires keys of each algorithm independently", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    await domain.keyring.ensureAll();
    const [es256, rs256] = [domain.keyring.signing("ES256").id, domain.keyring.signing("RS256").id];
    const all = listed(await admin.lockstep(["keys", "rotate", "--json"]));
    expect(all.map(({ algorithm }) => algorithm)).toEqual(["ES256", "RS256"]);
    const one = listed(await admin.lockstep(["keys", "rotate", "--algorithm", "RS256", "--json"]));
    expect(one.map(({ algorithm }) => algorithm)).toEqual(["RS256"]);

    const retired = await admin.lockstep(["keys", "retire", rs256, "--json"]);
    expect(JSON.parse(retired.stdout)).toMatchObject({ algorithm: "RS256", state: "signing" });
    await domain.keyring.maintain();
    expect(domain.keyring.signing("ES256").id).toBe(es256);
    expect(domain.keyring.signing("RS256").id).not.toBe(rs256);
    expect((await admin.lockstep(["keys", "rotate", "--algorithm", "HS256"])).exitCode).not.toBe(0);
  });

  it("retires a key at once, and replaces the only one", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    const { id } = domain.keyring.signing();
    const { accessToken } = await domain.tokens.issue(claims);
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "retire", id]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });

    // As a running server does within five seconds.
    await domain.keyring.maintain();
    const next = domain.keyring.signing().id;
    expect(next).not.toBe(id);
    expect(stdout).toBe(`${id} is retired. ${next} signs.\n`);
    expect(await domain.tokens.verify(accessToken)).toBeNull();
    expect(listed(await admin.lockstep(["keys", "list", "--json"])).map((key) => [key.id, key.state])).toEqual([
      [next, "signing"],
    ]);
    expect((await domain.audit.list({ limit: 10 })).map(({ action }) => action)).toContain("keys.retire");

    const json = await admin.lockstep(["keys", "retire", next, "--json"]);
    await domain.keyring.maintain();
    expect(JSON.parse(json.stdout)).toMatchObject({ id: domain.keyring.signing().id, state: "signing" });
  });

  it("exits with 3 when there is no such key, and changes nothing", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    expect(await admin.lockstep(["keys", "retire", "\u001b[2Jnone"])).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: "There is no key \\u{1b}[2Jnone.\n",
    });
    const signing = domain.keyring.signing().id;
    await domain.keyring.maintain();
    expect(domain.keyring.signing().id).toBe(signing);
  });

  it("reports keys that were encrypted under another SECRET, and reads them with SECRET_PREVIOUS", async () => {
    await using admin = await open();
    await admin.open();
    const changed = { SECRET: randomBytes(32).toString("base64url") };
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "list"], "", changed);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^The signing keys in the database were encrypted under another SECRET\.[^\n]*\n$/);

    // The tests' secret contains spaces, which separate the list: use one without.
    const once = { ...changed, SECRET_PREVIOUS: randomBytes(32).toString("base64url") };
    const other = await openMigratedAdmin(newDatabase);
    await using _ = other;
    const before = await other.lockstep(["keys", "list"], "", { SECRET: once.SECRET_PREVIOUS });
    expect(await other.lockstep(["keys", "list"], "", once)).toEqual(before);
    // From now on it is encrypted under the new one.
    expect(await other.lockstep(["keys", "list"], "", changed)).toEqual(before);
  });
});
