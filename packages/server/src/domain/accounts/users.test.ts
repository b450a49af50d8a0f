import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { testWorld } from "../../testing.ts";
import { createUsers, type NewUser } from "./users.ts";

const jane: NewUser = {
  username: "jane",
  email: "jane@example.com",
  fullName: "Jane Roe",
  role: "user",
  passwordHash: null,
};

describe.each(engines)("users on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    return { ...database, users: createUsers({ db: database.db, ...testWorld(() => 1000) }) };
  };

  it("are found by username or e-mail address, case-insensitively", async () => {
    await using database = await open();
    const created = await database.users.create(jane);
    expect(created).toMatchObject({ username: "jane", disabled: false, createdAt: 1000 });
    expect((await database.users.findByLogin("JANE"))?.user).toEqual(created);
    expect((await database.users.findByLogin("Jane@Example.com"))?.user).toEqual(created);
    const german = await database.users.create({ ...jane, username: "joe", email: "joe@xn--bcher-kva.example" });
    expect((await database.users.findByLogin(" joe@Bücher.example "))?.user).toEqual(german);
    expect(await database.users.findByLogin("nobody")).toBeNull();
  });

  it("have unique usernames and e-mail addresses", async () => {
    await using database = await open();
    await database.users.create(jane);
    expect(await database.users.create({ ...jane, email: null })).toBeNull();
    expect(await database.users.create({ ...jane, username: "other" })).toBeNull();
    expect(await database.users.create({ ...jane, username: "third", email: null })).not.toBeNull();
  });

  it("cannot get the e-mail address of another user, and stay unchanged", async () => {
    await using database = await open();
    await database.users.create(jane);
    const other = await database.users.create({ ...jane, username: "other", email: "other@example.com" });
    const id = other?.id ?? "";
    const taken = database.users.setEmail(id, { email: "jane@example.com", proof: "mail" });
    await expect(taken).rejects.toMatchObject({ code: "EMAIL_TAKEN" });
    expect((await database.users.findByLogin("other"))?.user).toEqual(other);
    expect(await database.users.setEmail(id, { email: null, proof: "mail" })).toMatchObject({
      email: null,
      emailVerified: false,
      fullName: "Jane Roe",
    });
  });

  it("are not updated when they do not exist", async () => {
    await using database = await open();
    expect(await database.users.rename("nobody", "X")).toBeNull();
  });

  it("are locked and returned with the stored password hash, unless they are disabled", async () => {
    await using database = await open();
    const created = await database.users.create({ ...jane, passwordHash: "old" });
    const id = created?.id ?? "";
    const lock = () =>
      database.db.transaction().execute((transaction) => database.users.lockEnabledUser(id, transaction));
    await database.users.replacePasswordHash(id, "new");
    const unproved = { emailProof: null, factorRequired: false, factorDueAt: null };
    expect(await lock()).toEqual({ user: created, passwordHash: "new", ...unproved });
    await database.users.setDisabled(id, true);
    expect(await lock()).toBeNull();
    expect((await database.users.findByLogin("jane"))?.passwordHash).toBe("new");
  });

  it("keep any text unchanged", async () => {
    await using database = await open();
    const fullName = "Zoë 🦊 O'Brien; drop table users -- 李";
    await database.users.create({ ...jane, fullName });
    expect((await database.users.findByLogin("jane"))?.user.fullName).toBe(fullName);
  });
});
