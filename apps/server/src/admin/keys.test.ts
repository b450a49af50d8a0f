import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { openAdmin } from "./testing.ts";

describe.each(engines)("lockstep keys on $engine", ({ newDatabase }) => {
  it("lists the keys that tokens are signed with, without their private parts", async () => {
    await using admin = await openAdmin(newDatabase);
    const { db, domain } = await admin.open();
    const key = domain.keyring.signing();
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "list", "--json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      id: key.id,
      ordinal: 1,
      algorithm: "ES256",
      createdAt: key.createdAt,
      signing: true,
    });

    const human = await admin.lockstep(["keys", "list"]);
    expect(human.stdout).toMatch(
      new RegExp(`^ID +ALGORITHM  USE    CREATED\\n${key.id}  ES256      signs  \\d{4}-[^ ]*Z\\n$`),
    );
    const { private_jwe } = await db.selectFrom("signing_keys").select("private_jwe").executeTakeFirstOrThrow();
    for (const output of [stdout, human.stdout]) {
      expect(output).not.toContain(private_jwe);
      expect(output).not.toContain('"d"');
    }
  });

  it("says when they were encrypted under another SECRET", async () => {
    await using admin = await openAdmin(newDatabase);
    await admin.open();
    const { exitCode, stdout, stderr } = await admin.lockstep(["keys", "list"], "", { SECRET: "x".repeat(32) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^The signing keys in the database were encrypted under another SECRET\.[^\n]*\n$/);
  });
});
