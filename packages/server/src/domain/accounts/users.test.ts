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
    await expect(database.users.update(id, { fullName: "New", email: "jane@example.com" })).rejects.toMatchObject({
      code: "EMAIL_TAKEN",
    });
    expect((await database.users.findByLogin("other"))?.user).toEqual(other);
    expect(await database.users.update(id, { email: null })).toMatchObject({ email: null, fullName: "Jane Roe" });
  });

  it("are not updated when they do not exist", async () => {
    await using database = await open();
    expect(await database.users.update("nobody", { fullName: "X" })).toBeNull();
  });

  it("are locked and returned with the stored password hash, unless they are disabled", async () => {
    await using database = await open();
    const created = await database.users.create({ ...jane, passwordHash: "old" });
    const id = created?.id ?? "";
    const lock = () =>
      database.db.transaction().execute((transaction) => database.users.lockEnabledUser(id, transaction));
    await database.users.replacePasswordHash(id, "new");
    expect(await lock()).toEqual({ passwordHash: "new" });
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
