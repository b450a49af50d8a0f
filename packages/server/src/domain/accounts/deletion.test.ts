import { readFileSync } from "node:fs";
import { RegisterClientInput, type User } from "@lockstep/kit";
import { type Kysely, sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import type { App } from "../../app.ts";
import { defineMigrations } from "../../db/app-migrations.ts";
import type { Db } from "../../db/database.ts";
import { fixtureApp } from "../../fixture-app.ts";
import { grantedToken, john, startSession, testSource, typed } from "../../testing.ts";
import { createAppAudit } from "../kernel/audit.ts";
import type { DomainError } from "../kernel/domain-error.ts";
import { goodPassword, refusalOf, startAccounts } from "./testing.ts";

const day = 24 * 60 * 60;

interface DiaryTables {
  diaries: { id: string; user_id: string; title: string };
  pages: { diary_id: string; number: number; text: string };
  likes: { id: string; user_id: string | null; name: string };
  moods: { id: string };
}

/** An app whose tables refer to users in every way, most of them without a reference that the database knows. */
const app: App = {
  ...fixtureApp,
  migrations: [
    defineMigrations<DiaryTables>(
      {
        "0001-diaries": {
          async up(db) {
            await db.schema
              .createTable("diaries")
              .addColumn("id", "text", (column) => column.primaryKey())
              .addColumn("user_id", "text", (column) => column.notNull())
              .addColumn("title", "text", (column) => column.notNull())
              .execute();
            await db.schema
              .createTable("pages")
              .addColumn("diary_id", "text", (column) => column.notNull())
              .addColumn("number", "integer", (column) => column.notNull())
              .addColumn("text", "text", (column) => column.notNull())
              .execute();
            // `users` is not deleted before these rows.
            await db.schema
              .createTable("likes")
              .addColumn("id", "text", (column) => column.primaryKey())
              .addColumn("user_id", "text", (column) => column.references("users.id"))
              .addColumn("name", "text", (column) => column.notNull())
              .execute();
            await sql`create table if not exists moods (id text primary key)`.execute(db);
          },
        },
      },
      {
        diaries: { owner: "user_id" },
        pages: { parent: "diaries", by: "diary_id", key: ["diary_id", "number"] },
        likes: { owner: "user_id", anonymize: { user_id: null, name: "somebody" } },
        moods: "not_personal",
      },
    ),
  ],
};

/** Every row of every table, as JSON, by table. */
const dumpOf = async (db: Db): Promise<Map<string, string[]>> => {
  const tables = await db.introspection.getTables();
  const dump = new Map<string, string[]>();
  for (const { name } of tables) {
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(db);
    dump.set(name, rows.map((row) => JSON.stringify(row)).sort());
  }
  return dump;
};

const zebulon = {
  username: "zebulon-q",
  email: "zebulon.q@quixote.example",
  earlier: "zebulon@windmill.example",
  fullName: "Zebulon Quixote",
};
const source = { address: "198.51.100.77", userAgent: "Zebulon's browser", requestId: "request-of-zebulon" };

describe.each(engines)("deleting an account on $engine", ({ engine, newDatabase }) => {
  const start = async (settings: Parameters<typeof startAccounts>[1] = {}) => {
    // With a mail server, nothing is kept of sent mails.
    const server = { host: "localhost", port: 25, tls: false, plaintext: true, login: null };
    const mail = { on: true, server, from: { name: null, address: "no-reply@lockstep.example" } };
    const started = await startAccounts(newDatabase, { mail, ...settings }, app);
    const { domain } = started;
    const { user } = await domain.signIn.withPassword(typed(john.username, john.password));
    await started.takeMails();
    return {
      ...started,
      user,
      signIn: (username: string = john.username, password: string = john.password) =>
        domain.signIn.withPassword(typed(username, password)),
      request: (of: User = user) => domain.deletions.request(of, testSource),
      /** The secret of the link in the mail. */
      takeLink: async () => (await started.takeMail("deletion_requested")).data.cancelSecret ?? "",
      runDue: async () => {
        while ((await domain.deletions.deleteDue(3)) > 0);
      },
    };
  };

  /** An account with a row in every table that can have one. */
  const makeZebulon = async ({ domain, db, clock, config, ...server }: Awaited<ReturnType<typeof start>>) => {
    await domain.signUpRules.invite(zebulon.email, "user", testSource);
    const user = await server.createUser(zebulon.username, { email: zebulon.earlier, emailProof: "mail" });
    await domain.accounts.update(user.id, { fullName: zebulon.fullName }, source);
    const login = { login: { username: zebulon.username, password: goodPassword }, deviceToken: null, source };
    const { session } = await domain.signIn.withPassword(login);
    await server.takeMails();
    const { proofId } = await domain.emailChanges.request({ user, email: zebulon.email, ...server.asker, source });
    const { code } = (await server.takeMail("email_change")).data;
    await domain.emailChanges.complete({ user, session }, { proofId, code, ...server.asker, source });
    await refusalOf(domain.signIn.withPassword({ ...login, login: { ...login.login, password: "wrong" } }));
    await domain.recovery.request({ login: zebulon.email, ...server.asker, source });
    const identity = { issuer: "https://north.example", subject: "zq", email: zebulon.email, emailVerified: true };
    const identityId = await domain.identities.link(
      user.id,
      "north",
      { ...identity, fullName: null, username: null },
      source,
    );
    await db
      .transaction()
      .execute((transaction) =>
        domain.identities.recordSession(session.id, identityId ?? "", { sessionId: "s", idToken: "t" }, transaction),
      );
    const details = RegisterClientInput.parse({
      name: "Quixote",
      kind: "web",
      redirectUris: ["https://quixote.example/callback"],
      scopes: ["profile:read"],
    });
    const { client } = await domain.clients.register(details, { userId: user.id }, source);
    const { grantId } = await grantedToken({ domain, config }, user.id, ["profile:read"]);
    await domain.grants.save(
      { id: "grant-of-john", userId: server.user.id, clientId: client.id, scopes: ["profile:read"], payload: {} },
      testSource,
    );
    const record = { payload: { accountId: user.id }, alias: null, expiresAt: clock.now() + 60 * day * 1000 };
    await domain.oauthRecords.save("RefreshToken", "1", { ...record, grantId });
    await domain.oauthRecords.save("Session", "2", { ...record, grantId: null, sessionId: session.id });
    await domain.oauthRecords.save("Interaction", "3", { ...record, grantId: null, userId: user.id });
    await domain.oauthRecords.save("RefreshToken", "of john", { ...record, grantId: "grant-of-john" });
    const factor = {
      id: "factor",
      user_id: user.id,
      kind: "totp",
      name: "Zebulon's phone",
      material: "secret",
    } as const;
    await db
      .insertInto("factors")
      .values({ ...factor, credential_id: null, counter: 0, created_at: clock.now(), last_used_at: null })
      .execute();
    await db.insertInto("recovery_codes").values({ user_id: user.id, selector: "abc", code_hash: "hash" }).execute();
    const times = { created_at: clock.now(), last_used_at: clock.now(), expires_at: clock.now() + 60 * day * 1000 };
    const device = { id: "device", user_id: user.id, device_hash: "hash of zebulon", user_agent: source.userAgent };
    await db
      .insertInto("trusted_devices")
      .values({ ...device, address: source.address, ...times })
      .execute();
    const noted = { action: "diary.write", userId: user.id, detail: { to: zebulon.email }, source } as const;
    await createAppAudit(domain.audit).record(noted);
    const tables = db as unknown as Kysely<DiaryTables>;
    for (const [place, id] of [user.id, server.user.id].entries()) {
      const diary = `diary ${place}`;
      await tables
        .insertInto("diaries")
        .values({ id: diary, user_id: id, title: `of ${id}` })
        .execute();
      const pages = [1, 2, 3, 4, 5, 6, 7].map((number) => ({ diary_id: diary, number, text: `by ${id}` }));
      await tables.insertInto("pages").values(pages).execute();
      await tables
        .insertInto("likes")
        .values({ id: `like ${place}`, user_id: id, name: id })
        .execute();
    }
    return user;
  };

  it("[S116] leaves no row with the person's address, names or ID, and everybody else's rows as they are", async () => {
    await using server = await start();
    const { domain, db, clock, user: other } = server;
    const user = await makeZebulon(server);
    const whole = await dumpOf(db);
    const traces = [zebulon.username, zebulon.email, zebulon.earlier, zebulon.fullName, "Quixote", user.id];
    const all = [...traces, source.address, source.userAgent, source.requestId];
    for (const trace of all) expect([...whole.values()].flat().join()).toContain(trace);
    const ofOther = (dump: Map<string, string[]>) =>
      [...dump].flatMap(([table, rows]) => rows.filter((row) => row.includes(other.id)).map((row) => [table, row]));
    const before = ofOther(whole).filter(([, row]) => !row?.includes("grant-of-john"));
    const counters = domain.throttle.idsOf([`account:user:${user.id}`]);
    const counted = db.selectFrom("throttles").selectAll().where("id", "in", counters);
    expect(await counted.execute()).not.toEqual([]);

    await domain.deletions.request(user, source);
    clock.advanceSeconds(14 * day);
    await server.runDue();
    const mails = await server.takeMails();
    expect(mails.map(({ template, to }) => [template, to]).filter(([name]) => name === "account_deleted")).toEqual([
      ["account_deleted", zebulon.email],
    ]);

    const dump = await dumpOf(db);
    for (const [table, rows] of dump) for (const trace of all) expect(`${table} ${rows}`).not.toContain(trace);
    for (const table of [
      "proofs",
      "invitations",
      "identities",
      "deletions",
      "oauth_records",
      "factors",
      "recovery_codes",
    ])
      expect([table, dump.get(table)]).toEqual([table, []]);
    expect(dump.get("messages")?.filter((row) => !row.includes(other.id))).toEqual([]);
    expect(await counted.execute()).toEqual([]);
    expect(dump.get("likes")).toContain(JSON.stringify({ id: "like 0", user_id: null, name: "somebody" }));
    expect(ofOther(dump)).toEqual(before);
  });

  it("[S116] keeps in the audit log that something happened, under a pseudonym", async () => {
    await using server = await start();
    const { db, domain, user, clock } = server;
    const before = await domain.audit.list({ userId: user.id, limit: 100 });
    await server.request();
    clock.advanceSeconds(14 * day);
    await server.runDue();
    const rows = await db.selectFrom("audit_log").selectAll().where("action", "!=", "keys.rotate").execute();
    const pseudonyms = new Set(rows.map((row) => row.user_id));
    expect([...pseudonyms]).toEqual([expect.stringMatching(/^deleted-[\w-]{22}$/)]);
    const actions = rows.map(({ action }) => action);
    for (const { action } of before) expect(actions).toContain(action);
    expect(actions).toEqual(expect.arrayContaining(["user.request_deletion", "user.delete"]));
  });

  it("[S116] lets nobody change the audit log otherwise, not even under the name of a deletion", async () => {
    await using server = await start();
    const { db, domain, user } = server;
    const scrub = (pseudonym: string, change: object = {}) =>
      db
        .updateTable("audit_log")
        .set({ ...domain.audit.withoutPerson(pseudonym), ...change })
        .where("user_id", "=", user.id)
        .execute();
    await expect(scrub("deleted-x")).rejects.toThrow("audit_log is append-only");
    await server.request();
    const { pseudonym } = await db.selectFrom("deletions").selectAll().executeTakeFirstOrThrow();
    // It has not begun.
    await expect(scrub(pseudonym)).rejects.toThrow("audit_log is append-only");
    await db.updateTable("deletions").set({ started_at: 1 }).execute();
    await expect(scrub("deleted-x")).rejects.toThrow("audit_log is append-only");
    await expect(scrub(pseudonym, { outcome: "refused" })).rejects.toThrow("audit_log is append-only");
    await expect(scrub(pseudonym, { detail: '{"by":"me"}' })).rejects.toThrow("audit_log is append-only");
    await expect(db.deleteFrom("audit_log").execute()).rejects.toThrow("audit_log is append-only");
    await scrub(pseudonym);
  });

  it("[S116] exports every row about the person, without secrets, with times in ISO 8601", async () => {
    await using server = await start();
    const { domain, db } = server;
    const user = await makeZebulon(server);
    await server.takeMails();
    const { secret } = await server.askToRecover(zebulon.email);
    await domain.deletions.requestByOperator(user.id, { immediately: false }, testSource);
    const tables = new Map<string, Record<string, unknown>[]>();
    for (let cursor: string | null = null, parts = 0; parts === 0 || cursor !== null; parts++) {
      const part = await domain.dataExport.part(user.id, cursor, source);
      for (const [table, rows] of Object.entries(part.tables))
        tables.set(table, [...(tables.get(table) ?? []), ...rows]);
      cursor = part.next;
    }
    const dump = await dumpOf(db);
    const traces = [user.id, zebulon.username, zebulon.email, zebulon.earlier, zebulon.fullName];
    // What servers tell each other about several users repeats what other tables have, for some minutes.
    dump.delete("news");
    for (const [table, rows] of dump) {
      const about = rows.filter((row) => traces.some((trace) => row.includes(trace)));
      expect(tables.get(table)?.length ?? 0, table).toBeGreaterThanOrEqual(about.length);
    }
    // Rows that name the person nowhere in plain text.
    expect(tables.get("pages")).toHaveLength(7);
    expect(tables.get("provider_sessions")).toMatchObject([{ session_id: expect.any(String) }]);
    expect(tables.get("throttles")).not.toEqual([]);
    expect(tables.get("oauth_records")).toMatchObject([{ user_id: null }, { user_id: user.id }]);
    expect(tables.get("users")).toMatchObject([
      {
        id: user.id,
        username: zebulon.username,
        email: zebulon.email,
        email_proof: "mail",
        full_name: zebulon.fullName,
        role: "user",
        disabled: 1,
        created_at: new Date(server.clock.now()).toISOString(),
      },
    ]);
    const text = JSON.stringify([...tables]);
    expect(text).not.toContain(server.user.id);
    const secrets = [
      "password_hash",
      "seed",
      "secret_hash",
      "code_mac",
      "link_hash",
      "browser_hash",
      "device_hash",
      "pseudonym",
    ];
    const rows = [...dump.values()].flat().map((row) => JSON.parse(row) as Record<string, unknown>);
    const stored = rows.flatMap((row) => secrets.flatMap((column) => row[column] ?? []));
    expect(stored.length).toBeGreaterThan(secrets.length);
    for (const value of stored) expect(text).not.toContain(value);
    expect(text).not.toContain(secret);
  });

  it("[S116] exports a large table in parts of bounded size, to its user only", async () => {
    await using server = await start();
    const { domain, db, user } = server;
    const tables = db as unknown as Kysely<DiaryTables>;
    await tables.insertInto("diaries").values({ id: "d", user_id: user.id, title: "Long" }).execute();
    const text = "x".repeat(10_000);
    const pages = Array.from({ length: 250 }, (_, number) => ({ diary_id: "d", number, text }));
    await tables.insertInto("pages").values(pages).execute();
    const numbers: unknown[] = [];
    let parts = 0;
    let cursor: string | null = null;
    do {
      const part = await domain.dataExport.part(user.id, cursor, testSource);
      expect(JSON.stringify(part).length).toBeLessThan(2_000_000);
      numbers.push(...(part.tables["pages"] ?? []).map((row) => row["number"]));
      cursor = part.next;
      parts++;
      if (cursor !== null) {
        const stranger = domain.dataExport.part("somebody else", cursor, testSource);
        expect(await refusalOf(stranger)).toBe("INVALID_INPUT");
      }
    } while (cursor !== null);
    expect(parts).toBeGreaterThan(2);
    expect(numbers).toEqual(pages.map(({ number }) => number));
    expect(await refusalOf(domain.dataExport.part(user.id, "forged", testSource))).toBe("INVALID_INPUT");
  });

  it("ends every access at once, tells the owner, and refuses each further call", async () => {
    await using server = await start();
    const { domain, user, clock, config } = server;
    const { session, refreshToken } = await server.signIn();
    const { grantId, clientId } = await grantedToken({ domain, config }, user.id, ["profile:read"]);
    const token = { grantId, clientId, userId: user.id, tokenId: "t" };
    const recovery = await server.askToRecover("john");
    const ticket = { grantId, expiresAt: clock.now() + 1000, alias: null, payload: {} };
    await domain.oauthRecords.save("AuthorizationCode", "code", ticket);
    await server.takeMails();
    const { deletesAt } = await server.request();
    expect(deletesAt).toBe(clock.now() + 14 * day * 1000);
    expect(await domain.sessions.findLive(session.id)).toBeNull();
    expect(await refusalOf(domain.signIn.withRefreshToken(refreshToken, testSource))).toBe(
      "SESSION_ENDED: deletion_requested",
    );
    expect(await domain.grants.findLive(token)).toBeNull();
    expect(await domain.grants.used(grantId)).toBe(false);
    expect(await domain.oauthRecords.find("AuthorizationCode", { id: "code" })).toBeNull();
    expect(await refusalOf(server.reset(recovery))).toMatch("PROOF_REFUSED");
    expect(await server.takeMail("deletion_requested")).toMatchObject({
      to: john.email,
      data: { username: "john", deletesAt, byAdministrator: false, cancelSecret: expect.any(String) },
    });
    expect(await refusalOf(domain.recovery.request({ login: "john", ...server.newAsker() }))).toBeNull();
    expect(await server.takeMails()).toEqual([]);
    expect(await refusalOf(server.request())).toBe("INVALID_TOKEN");
  });

  it("refuses what was written for the account while it was requested", async () => {
    await using server = await start();
    const { domain, db, user, config } = server;
    await server.request();
    const { session } = await startSession(db, domain.sessions, user.id);
    const { grantId, clientId } = await grantedToken({ domain, config }, user.id, ["profile:read"]);
    expect(await domain.sessions.findLive(session.id)).toBeNull();
    const token = { grantId, clientId, userId: user.id, tokenId: "t" };
    expect(await domain.grants.findLive(token)).toBeNull();
    await domain.deletions.cancelByOperator(user.id, testSource);
    expect(await domain.sessions.findLive(session.id)).toBeNull();
    expect(await domain.grants.findLive(token)).toBeNull();
  });

  it("is cancelled with the link of the mail, until its day", async () => {
    await using server = await start();
    const { domain, clock, user } = server;
    const { deletesAt } = await server.request();
    const secret = await server.takeLink();
    clock.advanceSeconds(14 * day - 1);
    await server.runDue();
    expect(await domain.proofs.read(secret, null)).toEqual({
      purpose: "deletion_cancel",
      email: john.email,
      code: null,
      proofId: null,
      expiresAt: deletesAt,
      deletesAt,
    });
    expect(await domain.deletions.cancel(secret, testSource)).toEqual({ username: "john" });
    expect((await server.takeMail("deletion_cancelled")).to).toBe(john.email);
    expect(await refusalOf(domain.deletions.cancel(secret, testSource))).toBe("PROOF_REFUSED: used");
    clock.advanceSeconds(day);
    await server.runDue();
    expect((await server.signIn()).user).toEqual(user);
  });

  it("cannot be cancelled from its day on, also before anything is deleted", async () => {
    await using server = await start();
    await server.request();
    const secret = await server.takeLink();
    server.clock.advanceSeconds(14 * day);
    expect(await refusalOf(server.domain.deletions.cancel(secret, testSource))).toBe("PROOF_REFUSED: expired");
  });

  it("cannot be cancelled when a part was deleted", async () => {
    await using server = await start();
    const { domain, user, clock } = server;
    await server.request();
    clock.advanceSeconds(14 * day);
    expect(await domain.deletions.deleteDue(1)).toBe(1);
    expect(await domain.deletions.find(user.id)).toMatchObject({ started: true });
    expect(await domain.deletions.cancelByOperator(user.id, testSource)).toBe(false);
    expect(await refusalOf(server.signIn())).toBe("INVALID_CREDENTIALS");
    await server.runDue();
    expect(await domain.users.find(user.id)).toBeNull();
  });

  it("is cancelled by signing in, with a link that works for ten minutes", async () => {
    await using server = await start();
    const { domain, clock } = server;
    const { deletesAt } = await server.request();
    expect(await refusalOf(server.signIn("john", "wrong"))).toBe("INVALID_CREDENTIALS");
    const refusal = await server.signIn().catch((error: DomainError<"DELETION_PENDING">) => error);
    expect(refusal).toMatchObject({ code: "DELETION_PENDING", details: { deletesAt, secret: expect.any(String) } });
    const { secret } = (refusal as DomainError<"DELETION_PENDING">).details;
    clock.advanceSeconds(10 * 60);
    expect(await refusalOf(domain.deletions.cancel(secret ?? "", testSource))).toBe("PROOF_REFUSED: expired");
    const again = (await server.signIn().catch((error) => error)) as DomainError<"DELETION_PENDING">;
    await domain.deletions.cancel(again.details.secret ?? "", testSource);
    expect((await server.signIn()).user.username).toBe("john");
  });

  it("by an operator is cancelled by an operator alone", async () => {
    await using server = await start();
    const { domain, user } = server;
    await server.request();
    const secret = await server.takeLink();
    await domain.deletions.requestByOperator(user.id, { immediately: false }, testSource);
    expect((await server.takeMail("deletion_requested")).data).toMatchObject({
      byAdministrator: true,
      cancelSecret: null,
    });
    expect(await refusalOf(domain.deletions.cancel(secret, testSource))).toBe("PROOF_REFUSED: cancelled");
    expect(await refusalOf(server.signIn())).toBe("INVALID_CREDENTIALS");
    expect(await refusalOf(domain.accounts.enable(user.id, testSource))).toBe("DELETION_PENDING");
    expect(await domain.deletions.cancelByOperator(user.id, testSource)).toBe(true);
    expect(await domain.deletions.cancelByOperator(user.id, testSource)).toBe(false);
    await server.signIn();
  });

  it("leaves an account disabled that was disabled before, or is meanwhile, when it is cancelled", async () => {
    await using server = await start();
    const { domain, user } = server;
    await domain.accounts.disable(user.id, testSource);
    await domain.deletions.requestByOperator(user.id, { immediately: false }, testSource);
    await domain.deletions.cancelByOperator(user.id, testSource);
    expect((await domain.users.find(user.id))?.disabled).toBe(true);
    await domain.accounts.enable(user.id, testSource);
    await server.takeMails();
    await server.request();
    const secret = await server.takeLink();
    await domain.accounts.disable(user.id, testSource);
    expect(await refusalOf(server.signIn())).toBe("INVALID_CREDENTIALS");
    await domain.deletions.cancel(secret, testSource);
    expect((await domain.users.find(user.id))?.disabled).toBe(true);
  });

  it("[S94] waits until nobody can undo a change of the address, which cancels it", async () => {
    await using server = await start({ deletionDays: 0 });
    const { domain, user, clock } = server;
    const { session } = await server.signIn();
    const { proofId } = await domain.emailChanges.request({ user, email: "thief@example.com", ...server.asker });
    const { code } = (await server.takeMail("email_change")).data;
    await domain.emailChanges.complete({ user, session }, { proofId, code, ...server.asker });
    const undo = (await server.takeMails()).flatMap((mail) =>
      mail.template === "email_changed" && mail.data.undoSecret !== null ? [mail.data.undoSecret] : [],
    );
    const { deletesAt } = await server.request();
    expect(deletesAt).toBe(clock.now() + 7 * day * 1000);
    const told = (await server.takeMails()).map(({ template, to }) => [template, to]).sort();
    expect(told).toEqual([
      ["deletion_requested", john.email],
      ["deletion_requested", "thief@example.com"],
    ]);
    clock.advanceSeconds(7 * day - 1);
    await server.runDue();
    // What an operator decided stays.
    await domain.deletions.requestByOperator(user.id, { immediately: false }, testSource);
    expect(await refusalOf(domain.emailChanges.undo(undo[0] ?? "", testSource))).toBe("PROOF_REFUSED: expired");
    await server.db.updateTable("deletions").set({ requested_by: "owner" }).execute();
    expect(await domain.emailChanges.undo(undo[0] ?? "", testSource)).toEqual({ email: john.email });
    expect(await domain.deletions.find(user.id)).toBeNull();
    expect(await domain.users.find(user.id)).toEqual(user);
  });

  it("sends no link to an address that nobody has proved, which may be another person's", async () => {
    await using server = await start();
    const { domain } = server;
    const joe = await server.createUser("joe", { email: "joe@example.com" });
    await server.request(joe);
    expect((await server.takeMail("deletion_requested")).data.cancelSecret).toBeNull();
    // Rows of the address that are not the account's stay: somebody else is signing up with it.
    const proof = await server.askToSignUp("joe@example.com");
    await domain.deletions.requestByOperator(joe.id, { immediately: true }, testSource);
    await domain.deletions.complete(joe.id);
    expect((await server.complete(proof)).user.email).toBe("joe@example.com");
  });

  it("with DELETION_DAYS=0 deletes with the next upkeep, and tells the owner once", async () => {
    await using server = await start({ deletionDays: 0 });
    const { domain, user } = server;
    await server.request();
    await domain.upkeep.once();
    expect(await domain.users.find(user.id)).toBeNull();
    expect(await server.takeMail("account_deleted")).toMatchObject({ to: john.email, userId: null });
  });

  it("[S116] keeps nothing of the last mail when it is given up", async () => {
    await using server = await start({ deletionDays: 0 });
    const { domain, db, user } = server;
    await server.request();
    await domain.deletions.complete(user.id);
    const claimed = await domain.messages.claim();
    if (claimed) await domain.messages.markFailed(claimed, { reason: "550 no such user", final: true });
    expect(await db.selectFrom("messages").selectAll().execute()).toEqual([]);
  });

  it("frees the username and the address for anybody, who gets another ID", async () => {
    await using server = await start();
    const { domain, user, clock } = server;
    await server.request();
    expect(await domain.accounts.create({ ...john, role: "user", passwordHash: null }, testSource)).toBeNull();
    await refusalOf(domain.registrations.request({ email: john.email, ...server.asker }));
    await server.takeMails();
    clock.advanceSeconds(14 * day);
    await server.runDue();
    await server.takeMails();
    const signedUp = await server.complete(await server.askToSignUp(john.email), { username: "john-d" });
    expect(signedUp.user).toMatchObject({ email: john.email });
    expect(signedUp.user.id).not.toBe(user.id);
    expect(
      await domain.accounts.create({ ...john, email: null, role: "user", passwordHash: null }, testSource),
    ).not.toBeNull();
  });

  it("keeps the last administrator, also when two ask at once", async () => {
    await using server = await start();
    const { domain } = server;
    const make = async (username: string) =>
      (await domain.users.create({
        username,
        email: null,
        fullName: username,
        role: "admin",
        passwordHash: null,
      })) as User;
    const ann = await make("ann");
    expect(await domain.deletions.preview(ann)).toMatchObject({ lastAdministrator: true });
    expect(await refusalOf(server.request(ann))).toBe("LAST_ADMINISTRATOR");
    const bob = await make("bob");
    expect(await domain.deletions.preview(ann)).toMatchObject({ lastAdministrator: false });
    const outcomes = await Promise.all([ann, bob].map((each) => refusalOf(server.request(each))));
    expect(outcomes.sort()).toEqual(["LAST_ADMINISTRATOR", null]);
    // An administrator who is to be deleted is none any more.
    expect((await domain.users.find(outcomes[0] === null ? bob.id : ann.id))?.role).toBe("admin");
  });

  it("is done once by servers that work at the same time, in steps, and again after one that died", async () => {
    await using server = await start();
    const { domain, db, clock, user } = server;
    await makeZebulon(server);
    await server.request();
    await server.takeMails();
    clock.advanceSeconds(14 * day);
    // A step that is undone, as of a server that dies.
    await db
      .transaction()
      .execute(async (transaction) => {
        await transaction.updateTable("deletions").set({ started_at: clock.now() }).execute();
        await transaction.deleteFrom("sessions").where("user_id", "=", user.id).execute();
        throw new Error("the server died");
      })
      .catch(() => {});
    const run = async () => {
      while ((await domain.deletions.deleteDue(2)) > 0);
    };
    await Promise.all([run(), run(), run()]);
    expect(await domain.users.find(user.id)).toBeNull();
    expect(await server.takeMail("account_deleted")).toMatchObject({ to: john.email });
    const deleted = await db.selectFrom("audit_log").select("id").where("action", "=", "user.delete").execute();
    expect(deleted).toHaveLength(1);
  });

  it("of other accounts goes on when one cannot be deleted, and the failure is reported", async () => {
    await using server = await start();
    const { domain, db, clock, user } = server;
    const jane = await server.createUser("jane");
    await server.request();
    clock.advanceSeconds(1);
    await server.request(jane);
    await sql`create table pins (user_id text not null references users (id))`.execute(db);
    await sql`insert into pins (user_id) values (${user.id})`.execute(db);
    clock.advanceSeconds(14 * day);
    await expect(domain.deletions.deleteDue(200)).rejects.toThrow(/foreign key/i);
    expect(await domain.users.find(jane.id)).toBeNull();
    expect(await domain.users.find(user.id)).not.toBeNull();
    await sql`delete from pins`.execute(db);
    await server.runDue();
    expect(await domain.users.find(user.id)).toBeNull();
  });

  it("at the same moment as sign-ins and refreshes leaves none of them signed in", async () => {
    await using server = await start();
    const { domain, user } = server;
    const tokens = await Promise.all([1, 2, 3, 4].map(() => server.signIn()));
    await Promise.allSettled([
      ...tokens.map(({ refreshToken }) => domain.signIn.withRefreshToken(refreshToken, testSource)),
      server.signIn(),
      server.request(),
      server.signIn(),
      ...tokens.map(({ refreshToken }) => domain.signIn.withRefreshToken(refreshToken, testSource)),
    ]);
    expect(await domain.sessions.list(user.id)).toEqual([]);
    for (const { refreshToken } of tokens)
      expect(await refusalOf(domain.signIn.withRefreshToken(refreshToken, testSource))).toBe(
        "SESSION_ENDED: deletion_requested",
      );
  });

  it("names nobody in an audit entry that is written after the deletion", async () => {
    await using server = await start();
    const { domain, user } = server;
    await domain.deletions.requestByOperator(user.id, { immediately: true }, testSource);
    await domain.deletions.complete(user.id);
    await domain.audit.record({ action: "sign_in", outcome: "refused", userId: user.id, source });
    expect(await domain.audit.list({ userId: user.id, limit: 10 })).toEqual([]);
  });

  // PostgreSQL keeps removed rows until its own clean-up.
  if (engine === "SQLite")
    it("[S116] overwrites the person's data in the database's files", async () => {
      await using server = await start();
      const { domain, clock, url } = server;
      const file = url.slice("file:".length);
      const user = await makeZebulon(server);
      const traces = [zebulon.username, zebulon.email, zebulon.earlier, zebulon.fullName, user.id, source.address];
      const content = () => ["", "-wal"].map((end) => readFileSync(file + end, "latin1")).join();
      for (const trace of traces) expect(content()).toContain(trace);
      await domain.deletions.request(user, source);
      clock.advanceSeconds(14 * day);
      await server.runDue();
      for (const trace of traces) expect(content()).not.toContain(trace);
    });
});
