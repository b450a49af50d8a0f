import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { testClock } from "../testing.ts";
import { createKeyring } from "./keyring.ts";

const secret = "a secret of at least thirty-two characters";

describe.each(engines)("the key ring on $engine", ({ newDatabase }) => {
  it("makes one key at the first start and keeps it", async () => {
    await using database = await openTestDatabase(newDatabase);
    const first = await createKeyring({ db: database.db, now: Date.now, secret });
    const second = await createKeyring({ db: database.db, now: Date.now, secret });
    expect(second.signing().id).toBe(first.signing().id);
    expect(second.list()).toHaveLength(1);
  });

  it("makes one key when several servers start at once", async () => {
    await using database = await openTestDatabase(newDatabase);
    const rings = await Promise.all(
      Array.from({ length: 5 }, () => createKeyring({ db: database.db, now: Date.now, secret })),
    );
    expect(new Set(rings.map((ring) => ring.signing().id)).size).toBe(1);
  });

  it("stores no private key that can be read without SECRET", async () => {
    await using database = await openTestDatabase(newDatabase);
    await createKeyring({ db: database.db, now: Date.now, secret });
    const row = await database.db.selectFrom("signing_keys").selectAll().executeTakeFirstOrThrow();
    expect(row.private_jwe.split(".")).toHaveLength(5);
    expect(JSON.parse(row.public_jwk)).not.toHaveProperty("d");
    expect(JSON.stringify(row)).not.toContain('"d":');
    await expect(
      createKeyring({ db: database.db, now: Date.now, secret: "another secret of thirty-two characters" }),
    ).rejects.toThrow("encrypted under another SECRET");
  });

  it("finds a key that another server added, and looks for unknown ones at most once a second", async () => {
    await using database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const ring = await createKeyring({ db: database.db, now: clock.now, secret });
    const { id } = ring.signing();
    await database.db.updateTable("signing_keys").set({ id: "renamed" }).where("id", "=", id).execute();
    expect(await ring.find("renamed")).toBeNull();
    clock.advanceSeconds(1);
    expect(await ring.find("renamed")).toMatchObject({ id: "renamed" });
    expect(await ring.find("unknown")).toBeNull();
  });
});
