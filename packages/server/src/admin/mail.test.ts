import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { smtpError, startMailServer } from "../../test/mail-server.ts";
import type { Domain } from "../compose-domain.ts";
import type { Db } from "../db/database.ts";
import { testClock, testWorld } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

describe.each(engines)("lockstep mail on $engine", ({ newDatabase }) => {
  const open = async () => {
    const clock = testClock(start);
    const admin = await openMigratedAdmin(newDatabase, testWorld(clock.now));
    return { ...admin, clock };
  };

  /** A mail that was given up. */
  const giveUp = async ({ db, domain: { messages } }: { db: Db; domain: Domain }, to: string) => {
    await messages.send({ template: "test", to, userId: null, data: {} }, db);
    const claimed = await messages.claim();
    if (!claimed) throw new Error("no mail is due");
    await messages.markFailed(claimed, { reason: "550 no such\u001b user", final: true });
    return claimed.id;
  };

  it("lists mails without their addresses, and sends given-up ones again", async () => {
    await using admin = await open();
    const opened = await admin.open();
    const first = await giveUp(opened, "ada@example.org");
    admin.clock.advanceSeconds(1);
    await giveUp(opened, "eve@example.org");
    const listed = await admin.lockstep(["mail", "list"]);
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout.split("\n")).toEqual([
      expect.stringMatching(/^ID +TEMPLATE +STATE +ATTEMPTS +CREATED +NEXT ATTEMPT +LAST FAILURE$/),
      expect.stringMatching(/^\S+ +test +given_up +1 +2026-03-01T12:00:01\.000Z +- +550 no such\\u\{1b\} user$/),
      expect.stringMatching(new RegExp(`^${first} +test +given_up +1 +2026-03-01T12:00:00`)),
      "",
    ]);
    expect(listed.stdout).not.toContain("example.org");

    expect(await admin.lockstep(["mail", "retry", first])).toMatchObject({ stdout: "1 mail is sent again.\n" });
    const waiting = await admin.lockstep(["mail", "list", "--state", "waiting", "--json"]);
    expect(JSON.parse(waiting.stdout)).toEqual({
      id: first,
      template: "test",
      userId: null,
      state: "waiting",
      attempts: 0,
      createdAt: start,
      dueAt: start + 1000,
      sentAt: null,
      failure: "550 no such\u001b user",
    });
    expect(await admin.lockstep(["mail", "retry"])).toMatchObject({ stdout: "1 mail is sent again.\n" });
    expect(await admin.lockstep(["mail", "retry"])).toMatchObject({ stdout: "0 mails are sent again.\n" });
    expect((await admin.lockstep(["mail", "list", "--limit", "1", "--json"])).stdout.trim().split("\n")).toHaveLength(
      1,
    );
    expect(await admin.lockstep(["mail", "retry", "nope"])).toMatchObject({
      exitCode: 3,
      stderr: "There is no mail nope to send again: it was sent, is being sent, or is of no use any more.\n",
    });
  });

  it("refuses a state, a number and an address that are none", async () => {
    await using admin = await open();
    for (const argv of [
      ["list", "--state", "lost"],
      ["list", "--limit", "0"],
      ["test", "Ada <ada@example.org>"],
      ["test"],
    ])
      expect((await admin.lockstep(["mail", ...argv])).exitCode).toBe(2);
  });

  it("hands a test mail to the mail server, and prints its answer", async () => {
    await using admin = await open();
    await using smtp = await startMailServer({
      hideSTARTTLS: true,
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith("nobody") ? smtpError(550, "no such user") : null),
    });
    const settings = { MAIL_URL: `smtp://localhost:${smtp.mailServer.port}`, MAIL_FROM: "Shop <shop@example.org>" };
    expect(await admin.lockstep(["mail", "test", "ada@example.org"], "", settings)).toEqual({
      exitCode: 0,
      stdout: "The mail server accepted a test mail to ada@example.org.\n",
      stderr: "",
    });
    expect(smtp.mails).toMatchObject([
      { parsed: { from: { text: '"Shop" <shop@example.org>' }, subject: "Test mail from Lockstep" } },
    ]);
    expect(await admin.lockstep(["mail", "test", "nobody@example.org"], "", settings)).toMatchObject({
      exitCode: 1,
      stderr: "The mail server did not accept the mail: 550 no such user\n",
    });
    expect(await admin.lockstep(["mail", "test", "ada@example.org"])).toMatchObject({
      exitCode: 1,
      stderr: "There is no MAIL_URL: mails are caught, and shown at /dev/mail.\n",
    });
    expect(await admin.lockstep(["mail", "test", "ada@example.org"], "", { MAIL: "off" })).toMatchObject({
      exitCode: 1,
      stderr: "MAIL=off: no mail is sent.\n",
    });
  });
});
