import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AnyContract,
  composeContract,
  defineFeature,
  engine,
  engineErrors,
  engineScopes,
  type RestRoute,
} from "@lockstep/kit";
import { type Kysely, sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { engines } from "../test/engines.ts";
import { assertEngineIn, defineApp, type Tools } from "./app.ts";
import { defineMigrations } from "./db/app-migrations.ts";
import { randomId } from "./domain/kernel/environment.ts";
import { fixtureApp, fixtureContract } from "./fixture-app.ts";
import { john, startTestServer, testSource, typed } from "./testing.ts";

const contract: AnyContract = fixtureContract;

describe("an app's contract", () => {
  it("has the engine's areas, errors, scopes and roles", () => {
    expect(() => assertEngineIn(contract)).not.toThrow();
    const { user: _user, ...withoutUser } = engine;
    const { EMAIL_TAKEN: _taken, ...withoutTaken } = engineErrors;
    expect(() => assertEngineIn({ ...contract, operations: withoutUser })).toThrow(
      "The contract lacks the engine's area `user`. Begin its operations with `...engine`.",
    );
    expect(() => assertEngineIn({ ...contract, errors: withoutTaken })).toThrow(
      "The contract lacks the engine's error EMAIL_TAKEN. Begin its errors with `...engineErrors`.",
    );
    expect(() => assertEngineIn({ ...contract, scopes: { "profile:read": "x" } })).toThrow(
      "The contract lacks the engine's scope profile:write. Begin its scopes with `...engineScopes`.",
    );
    expect(() => assertEngineIn({ ...contract, roles: ["user"] })).toThrow(
      "The contract lacks the engine's role admin. Begin its roles with `...engineRoles`.",
    );
  });

  it("cannot redeclare an area or error of the engine", () => {
    expect(() => assertEngineIn({ ...contract, operations: { ...engine, user: { me: engine.user.me } } })).toThrow(
      "The contract's area `user` has the name of an engine's area. Give it another name.",
    );
    const details = z.object({});
    const errors = { ...engineErrors, EMAIL_TAKEN: { status: 400, message: "Taken.", details } } as const;
    expect(() => assertEngineIn({ ...contract, errors })).toThrow(
      "The contract's error EMAIL_TAKEN has the code of an engine's error. Give it another code.",
    );
  });

  it("can change the texts of the engine's scopes", () => {
    const scopes = { ...engineScopes, "profile:read": "See who you are" };
    expect(() => assertEngineIn({ ...contract, scopes })).not.toThrow();
  });
});

it("sessions, passwords and clients remain valid when the brand is renamed", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "lockstep-"));
  const databaseUrl = `file:${join(directory.path, "test.db")}` as const;
  const before = await startTestServer({ databaseUrl });
  const { refreshToken, accessToken } = await before.domain.signIn.withPassword(typed(john.username, john.password));
  await before.close();

  const renamed = { ...fixtureApp, brand: { name: "Umbrella" } };
  await using after = await startTestServer({ app: renamed, databaseUrl });
  const me = await fetch(`${after.url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } });
  expect(me.status).toBe(200);
  expect((await after.domain.signIn.withRefreshToken(refreshToken, testSource)).user.username).toBe(john.username);
  expect((await after.domain.signIn.withPassword(typed(john.username, john.password))).user.username).toBe("john");
  expect(await (await fetch(`${after.url}/openapi.json`)).json()).toMatchObject({ info: { title: "Umbrella" } });
  expect(await (await fetch(`${after.url}/docs`)).text()).toContain("<title>Umbrella API</title>");
});

/** An app with its own table, and one operation that uses all tools of a procedure. */
const wallApp = (rest: RestRoute, action: `${string}.${string}` = "wall.write") => {
  const contract = composeContract({
    features: [
      defineFeature({ areas: { wall: "A wall to write on" } }, ({ mutation, firstParty }) => ({
        wall: {
          write: mutation({
            summary: "Write on the wall, and read it",
            access: firstParty(),
            rest,
            input: z.object({ text: z.string() }),
            output: z.array(z.object({ text: z.string(), by: z.string(), at: z.int() })),
          }),
        },
      })),
    ],
  });
  interface WallTables {
    writings: { id: string; user_id: string; text: string; at: number };
  }
  const migrations = defineMigrations<WallTables>(
    {
      "0001-writings": {
        async up(db) {
          await db.schema
            .createTable("writings")
            .addColumn("id", "text", (column) => column.primaryKey())
            .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
            .addColumn("text", "text", (column) => column.notNull())
            .addColumn("at", "bigint", (column) => column.notNull())
            .execute();
        },
      },
    },
    { writings: { owner: "user_id" } },
  );
  const wall = ({ implement, db, now, random, users, audit }: Tools<typeof contract, WallTables>) => ({
    write: implement(contract.operations.wall.write).handle(async ({ ctx, input: { text } }) => {
      const user = await users.find(ctx.principal.user.id);
      if (!user) throw new Error("The caller is no user");
      await db.transaction().execute(async (transaction) => {
        const row = { id: randomId(random), user_id: user.id, text, at: now() };
        await transaction.insertInto("writings").values(row).execute();
        await audit.record({ action, userId: user.id, detail: { text }, source: ctx.source }, transaction);
      });
      return db
        .selectFrom("writings")
        .innerJoin("users", "users.id", "writings.user_id")
        .select(["writings.text", "users.full_name as by", "writings.at"])
        .execute();
    }),
  });
  const brand = { name: "Wall" };
  return defineApp({ brand, contract, migrations: [migrations], procedures: (tools) => ({ wall: wall(tools) }) });
};

describe.each(engines)("an app's procedure on $engine", ({ newDatabase }) => {
  const start = async (app: ReturnType<typeof wallApp>) => {
    const database = await newDatabase();
    const server = await startTestServer({ app, databaseUrl: database.url, now: () => 1_800_000_000_000 });
    const { accessToken } = await server.domain.signIn.withPassword(typed(john.username, john.password));
    return {
      ...server,
      write: (text: string) =>
        fetch(`${server.url}/api/wall`, {
          method: "POST",
          headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
          body: JSON.stringify({ text }),
        }),
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("can use the database, the clock, random bytes, users and the audit log", async () => {
    await using server = await start(wallApp({ method: "POST", path: "/api/wall" }));
    const answer = await server.write("Hello");
    expect(await answer.json()).toEqual([{ text: "Hello", by: john.fullName, at: 1_800_000_000_000 }]);
    const entries = await server.domain.audit.list({ limit: 10 });
    expect(entries.find(({ action }) => action === "wall.write")).toMatchObject({
      detail: { text: "Hello" },
      source: { address: "127.0.0.1" },
    });
  });

  it("cannot write entries of the engine into the audit log; its transaction is rolled back", async () => {
    await using server = await start(wallApp({ method: "POST", path: "/api/wall" }, "user.disable"));
    expect((await server.write("Hello")).status).toBe(500);
    expect(
      await server.db
        .selectFrom("writings" as "users")
        .selectAll()
        .execute(),
    ).toEqual([]);
    expect(await server.domain.audit.list({ limit: 10 })).not.toContainEqual(
      expect.objectContaining({ action: "user.disable" }),
    );
  });

  it("is refused at start if a migration was changed after it ran, or two have the same name", async () => {
    const database = await newDatabase();
    const { url: databaseUrl } = database;
    const app = wallApp({ method: "POST", path: "/api/wall" });
    await (await startTestServer({ app, databaseUrl })).close();
    const changed = defineMigrations({
      "0001-writings": { up: (db) => db.schema.createTable("writings").addColumn("id", "text").execute() },
    });
    await expect(startTestServer({ app: { ...app, migrations: [changed] }, databaseUrl })).rejects.toThrow(
      "The migration 0001-writings was changed after it ran in this database. Restore it, and make the change in a new migration.",
    );
    const migrations = [...(app.migrations ?? []), changed];
    await expect(startTestServer({ app: { ...app, migrations }, databaseUrl })).rejects.toThrow(
      "Two migrations are called 0001-writings. Rename the one that has not run in any database yet.",
    );
    await database.drop();
  });
});

describe.each(engines)("an app's map of personal data on $engine", ({ newDatabase }) => {
  const refusalOf = async (...migrations: ReturnType<typeof defineMigrations>[]) => {
    const database = await newDatabase("migrated");
    try {
      await (await startTestServer({ app: { ...fixtureApp, migrations }, databaseUrl: database.url })).close();
      return null;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await database.drop();
    }
  };
  interface BooksTables {
    books: { id: string; reader_id: string };
  }
  const migrations = {
    "0001-books": {
      up: (db: Kysely<unknown>) =>
        sql`create table books (id text primary key, reader_id text)`.execute(db).then(() => {}),
    },
  };
  const books = defineMigrations<BooksTables>(migrations, { books: { owner: "reader_id" } });

  it("is refused at start without a table that its migrations create, as in apps of earlier versions", async () => {
    expect(await refusalOf(defineMigrations(migrations))).toBe(
      'The table books is in no map of personal data, so deleting an account would leave its rows. Pass the map to `defineMigrations`, after the migrations: `{ books: { owner: "user_id" } }` with the column of the user\'s ID, or `{ books: "not_personal" }` (docs/accounts.md#tables-of-an-app).',
    );
    expect(await refusalOf(migrations as ReturnType<typeof defineMigrations>)).toMatch("The table books is in no map");
    expect(await refusalOf(books)).toBeNull();
  });

  it("is refused at start when it does not fit the database", async () => {
    const described = (data: object) => refusalOf(defineMigrations<BooksTables>(migrations, data as never));
    expect(await described({ books: { owner: "user_id" } })).toBe(
      "The map of personal data of the table books names the column user_id, which the database does not have. Correct the map.",
    );
    expect(await described({ books: { owner: "reader_id", key: "isbn" } })).toMatch("names the column isbn");
    expect(await described({ books: { owner: "reader_id", anonymize: { id: "x" } } })).toMatch(
      "Give `anonymize` a value for its `owner`.",
    );
    expect(await described({ books: { parent: "shelves", by: "id" } })).toMatch("neither `owner` nor a `parent`");
    expect(await described({ books: { parent: "books", by: "id" } })).toMatch("belong to themselves");
    const again = defineMigrations<BooksTables>({}, { books: "not_personal" });
    expect(await refusalOf(books, again)).toBe(
      "The table books is in two maps of personal data. Remove it from one of them.",
    );
  });
});

describe("an app's REST path", () => {
  it.each([
    [
      "POST",
      "/token",
      "is also the server's own address `/token`. Give the operation another path, such as /api/token.",
    ],
    ["GET", "/users/me", "is also that of `user.me`. Give one of them another path."],
  ] as const)("is refused at start when it is taken: %s %s", async (method, path, refusal) => {
    await expect(startTestServer({ app: wallApp({ method, path }) })).rejects.toThrow(refusal);
  });
});
