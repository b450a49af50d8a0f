import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import type { Db } from "../../db/database.ts";
import { testClock } from "../../testing.ts";
import { createAudit } from "../kernel/audit.ts";
import { createSealed } from "../kernel/sealed.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createThrottle } from "../kernel/throttle.ts";
import type { Mail } from "./mails.ts";
import { createMessages, waitMs } from "./messages.ts";

const random = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes));

const queueOn = (db: Db, { on = true, keepSent = false, secret = "a secret" } = {}) => {
  const clock = testClock();
  const { now } = clock;
  const secrets = createSecrets(secret);
  const audit = createAudit({ db, now, random });
  const throttle = createThrottle({ db, now, secrets });
  const messages = createMessages({
    db,
    now,
    random,
    secrets,
    sealed: createSealed({ secrets, now }),
    throttle,
    audit,
    on,
    keepSent,
  });
  return { clock, messages, audit, throttle, db };
};

const event = { username: "ada", at: 0, address: "192.0.2.7", userAgent: "a browser" };
const mailTo = (to: string, change: Partial<Mail> = {}): Mail =>
  ({ template: "password_changed", to, userId: null, data: event, ...change }) as Mail;

describe.each(engines)("the queue of mails on $engine", ({ newDatabase }) => {
  const rows = (db: Db) => db.selectFrom("messages").selectAll().execute();

  it("holds a mail when its transaction is committed, and none when it is not", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), db);
    const undone = db.transaction().execute(async (transaction) => {
      await messages.send(mailTo("eve@example.org"), transaction);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect((await messages.claim())?.mail).toEqual(mailTo("ada@example.org"));
    expect(await messages.claim()).toBeNull();
  });

  it("contains no address and no data in plain text, and neither of them once the mail is sent", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), db);
    const stored = JSON.stringify(await rows(db));
    for (const secret of ["ada", "example.org", "192.0.2.7"]) expect(stored).not.toContain(secret);
    const claimed = await messages.claim();
    if (claimed) await messages.markSent(claimed);
    expect(await rows(db)).toMatchObject([{ payload: null, due_at: null, sent_at: expect.anything() }]);
  });

  it.each([
    "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org, eve@example.org",
    "Ada <ada@example.org>",
    "ada@example.org>",
    '"ada eve"@example.org',
    "ada@@example.org",
    "ada",
    "",
    `${"a".repeat(250)}@example.org`,
  ])("refuses an address that is more than one plain address: %j", async (address) => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db } = queueOn(opened.db);
    await expect(messages.send(mailTo(address), db)).rejects.toThrow("one plain e-mail address");
    expect(await rows(db)).toEqual([]);
  });

  it("[S106] sends at most five requested mails an hour to one address, however it is written, also at once", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    const request = (address: string) =>
      db.transaction().execute((transaction) => messages.sendRequested(mailTo(address), transaction));
    const spellings = ["ada@example.org", "Ada@Example.org", "ADA@EXAMPLE.ORG", "ａda@example.org"];
    const sent = await Promise.all(Array.from({ length: 12 }, (_, n) => request(spellings[n % 4] ?? "")));
    expect(sent.filter(Boolean)).toHaveLength(5);
    expect(await rows(db)).toHaveLength(5);
    expect(await request("eve@example.org")).toBe(true);
    clock.advanceSeconds(3599);
    expect(await request("ada@example.org")).toBe(false);
    // Notices are neither counted nor refused.
    await messages.send(mailTo("ada@example.org"), db);
    clock.advanceSeconds(1);
    expect(await request("ada@example.org")).toBe(true);
    expect(await rows(db)).toHaveLength(8);
  });

  it("writes nothing when mail is off", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db } = queueOn(opened.db, { on: false });
    await messages.send(mailTo("ada@example.org"), db);
    expect(await messages.sendRequested(mailTo("ada@example.org"), db)).toBe(false);
    expect(await rows(db)).toEqual([]);
  });

  it("gives each mail to one claim only, whoever asks at once, until its lease ends", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    for (let n = 0; n < 5; n++) await messages.send(mailTo(`ada${n}@example.org`), db);
    const claimed = await Promise.all(Array.from({ length: 12 }, () => messages.claim()));
    const ids = claimed.flatMap((each) => (each === null ? [] : [each.id]));
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);
    clock.advanceSeconds(59);
    const [first, ...others] = claimed.filter((each) => each !== null);
    if (first) await messages.renew(first);
    clock.advanceSeconds(1);
    const again = await Promise.all(Array.from({ length: 6 }, () => messages.claim()));
    const idsAgain = again.flatMap((each) => (each === null ? [] : [each.id]));
    expect(idsAgain.sort()).toEqual(others.map(({ id }) => id).sort());
    expect(again.find((each) => each !== null)?.attempts).toBe(2);
  });

  it("ignores the failure of a claim that has ended, and not its success", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), db);
    const late = await messages.claim();
    clock.advanceSeconds(60);
    const current = await messages.claim();
    if (!late || !current) throw new Error("no claim");
    await messages.markFailed(late, { reason: "late", final: true });
    await messages.release(late);
    expect(await rows(db)).toMatchObject([{ claim: current.claim, failure: null, sent_at: null }]);
    await messages.markSent(late);
    await messages.markFailed(current, { reason: "failed", final: false });
    expect(await rows(db)).toMatchObject([{ due_at: null, failure: null, sent_at: clock.now() }]);
  });

  it("waits longer after each failure, and gives up after a day with an audit entry", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock, audit } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), db);
    const start = clock.now();
    const times: number[] = [];
    for (let ended = false; !ended; ) {
      const claimed = await messages.claim();
      if (!claimed) throw new Error("not due");
      times.push(clock.now() - start);
      ended = await messages.markFailed(claimed, { reason: "450 busy", final: false });
      const [row] = await rows(db);
      expect(await messages.claim()).toBeNull();
      if (row?.due_at) clock.advanceSeconds((Number(row.due_at) - clock.now()) / 1000);
    }
    expect(times.slice(0, 5)).toEqual([0, 15, 45, 105, 225].map((seconds) => seconds * 1000));
    const day = 24 * 60 * 60 * 1000;
    expect(times.at(-1)).toBeGreaterThan(day - 60 * 60 * 1000);
    expect(times.at(-1)).toBeLessThanOrEqual(day);
    expect(await audit.list({ limit: 9 })).toMatchObject([
      {
        action: "mail.give_up",
        detail: { template: "password_changed", attempts: times.length, reason: "450 busy" },
        source: { userAgent: "lockstep server" },
      },
    ]);
    expect(await messages.list({ state: "given_up", limit: 9 })).toMatchObject([{ failure: "450 busy" }]);
  });

  it("gives up a final failure at once, and sends the mail again when an operator says so", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    for (const name of ["ada", "eve"]) {
      await messages.send(mailTo(`${name}@example.org`), db);
      const claimed = await messages.claim();
      if (claimed) expect(await messages.markFailed(claimed, { reason: "550 no such user", final: true })).toBe(true);
      clock.advanceSeconds(1);
    }
    clock.advanceSeconds(2 * 24 * 3600);
    expect(await messages.claim()).toBeNull();
    const [newest] = await messages.list({ state: "given_up", limit: 1 });
    expect(await messages.retry(newest?.id)).toBe(1);
    const claimed = await messages.claim();
    expect(claimed).toMatchObject({ id: newest?.id, attempts: 1, mail: { to: "eve@example.org" } });
    // It is being sent now.
    expect(await messages.retry(newest?.id)).toBe(0);
    if (claimed) expect(await messages.markFailed(claimed, { reason: "421 later", final: false })).toBe(false);
    expect(await messages.retry(newest?.id)).toBe(1);
    expect(await messages.retry()).toBe(1);
    expect(await messages.retry("nope")).toBe(0);
  });

  it("does not try a mail again that would be of no use by then", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org", { expiresAt: clock.now() + 15_000 }), db);
    const claimed = await messages.claim();
    if (claimed) expect(await messages.markFailed(claimed, { reason: "421 later", final: false })).toBe(true);
    expect(await messages.retry()).toBe(1);
    clock.advanceSeconds(15);
    const late = await messages.claim();
    if (late) await messages.markFailed(late, { reason: "421 later", final: false });
    expect(await messages.retry()).toBe(0);
  });

  it("returns a mail to the queue when its server shuts down", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), db);
    const claimed = await messages.claim();
    if (claimed) await messages.release(claimed);
    expect(await messages.claim()).toMatchObject({ attempts: 1 });
  });

  it("keeps caught mails to show them, newest first", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db, { keepSent: true });
    for (const name of ["ada", "eve"]) {
      await messages.send(mailTo(`${name}@example.org`), db);
      clock.advanceSeconds(1);
    }
    for (let n = 0; n < 2; n++) {
      const claimed = await messages.claim();
      if (claimed) await messages.markSent(claimed);
    }
    const caught = await messages.caught(10);
    expect(caught.map(({ mail }) => mail.to)).toEqual(["eve@example.org", "ada@example.org"]);
  });

  it("opens no mail that was sealed under another secret", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages } = queueOn(opened.db);
    await messages.send(mailTo("ada@example.org"), opened.db);
    expect(await queueOn(opened.db, { secret: "another" }).messages.claim()).toMatchObject({ mail: null });
  });

  it("deletes a mail with its account, and a week after it was written", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const { messages, db, clock } = queueOn(opened.db);
    const user = {
      id: "ada",
      username: "ada",
      email: null,
      full_name: "Ada",
      role: "user",
      disabled: 0 as const,
      password_hash: null,
      created_at: 0,
    };
    await db.insertInto("users").values(user).execute();
    await messages.send(mailTo("ada@example.org", { userId: "ada" }), db);
    await messages.send(mailTo("eve@example.org"), db);
    await db.deleteFrom("users").where("id", "=", "ada").execute();
    expect(await rows(db)).toHaveLength(1);
    clock.advanceSeconds(7 * 24 * 3600 - 1);
    expect(await messages.deleteOld(10)).toBe(0);
    clock.advanceSeconds(1);
    expect(await messages.deleteOld(10)).toBe(1);
  });
});

it("waits 15 seconds after the first attempt, twice as long after each further one, and an hour at most", () => {
  expect([1, 2, 3, 8, 9, 30].map((attempts) => waitMs(attempts) / 1000)).toEqual([15, 30, 60, 1920, 3600, 3600]);
});
