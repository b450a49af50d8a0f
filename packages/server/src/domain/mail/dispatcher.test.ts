import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, inject, it, vi } from "vitest";
import { certificate } from "../../../test/certificate.ts";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { smtpError, startMailServer } from "../../../test/mail-server.ts";
import type { Db } from "../../db/database.ts";
import { testClock } from "../../testing.ts";
import { createAudit } from "../kernel/audit.ts";
import { createSealed } from "../kernel/sealed.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createThrottle } from "../kernel/throttle.ts";
import { createDispatcher, type DispatcherOptions, type MailOutcome, parallelMails } from "./dispatcher.ts";
import type { Mail } from "./mails.ts";
import { createMessages } from "./messages.ts";
import { connectBySmtp, type MailServer, type SmtpOptions } from "./smtp.ts";
import { createRenderMail, type MailTemplates } from "./templates.ts";

const random = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes));
const brand = { name: "Übung, Inc.", colors: { light: "#0f6b5c", dark: "#14806d" } };
const patience = { timeout: inject("patienceMs") };

const event = { username: "ada", at: Date.UTC(2026, 10, 27, 14, 30), address: "192.0.2.7", userAgent: "a browser" };
const mailTo = (to: string, change: Partial<Mail> = {}): Mail =>
  ({ template: "password_changed", to, userId: null, data: event, ...change }) as Mail;

interface Change
  extends Partial<Omit<SmtpOptions, "server">>,
    Partial<Pick<DispatcherOptions, "renewalMs" | "shutdownMs">> {
  readonly templates?: Partial<MailTemplates>;
  readonly clock?: ReturnType<typeof testClock>;
}

/** The mail of one server, on a database. */
const mailOn = (db: Db, server: MailServer, { templates = {}, clock = testClock(), ...change }: Change = {}) => {
  const { now } = clock;
  const secrets = createSecrets("a secret");
  const audit = createAudit({ db, now, random });
  const sealed = createSealed({ secrets, now });
  const throttle = createThrottle({ db, now, secrets });
  const messages = createMessages({ db, now, random, secrets, sealed, throttle, audit, on: true, keepSent: false });
  const outcomes: MailOutcome[] = [];
  const dispatcher = createDispatcher({
    messages,
    render: createRenderMail({ brand, publicUrl: "https://app.example", templates }),
    connect: connectBySmtp({
      server,
      from: { name: null, address: "no-reply@app.example" },
      brand,
      connections: parallelMails,
      tls: { ca: certificate },
      ...change,
    }),
    now,
    tell: (outcome) => outcomes.push(outcome),
    ...change,
  });
  const failures = async () =>
    (await db.selectFrom("messages").select(["failure", "attempts"]).orderBy("created_at").execute()).map(
      ({ failure }) => failure,
    );
  return { clock, messages, audit, dispatcher, outcomes, failures, send: (mail: Mail) => messages.send(mail, db) };
};

const sqlite = engines[0].newDatabase;

describe.each(engines)("the dispatcher on $engine", ({ newDatabase }) => {
  it("hands a mail to the mail server over TLS, from the brand, with text, HTML and a Message-ID", async () => {
    await using opened = await openTestDatabase(newDatabase);
    await using smtp = await startMailServer();
    const mail = mailOn(opened.db, smtp.mailServer);
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(true);
    expect(smtp.mails).toHaveLength(1);
    const [{ id = "" } = {}] = await mail.messages.list({ state: "sent", limit: 1 });
    expect(smtp.mails[0]).toMatchObject({
      secure: true,
      envelope: { from: "no-reply@app.example", to: ["ada@example.org"] },
      parsed: {
        from: { value: [{ name: brand.name, address: "no-reply@app.example" }] },
        to: { value: [{ address: "ada@example.org" }] },
        messageId: `<${id}@app.example>`,
        subject: `Your ${brand.name} password was changed`,
        text: expect.stringContaining("https://app.example/password"),
        html: expect.stringContaining('href="https://app.example/password"'),
      },
    });
    expect(smtp.mails[0]?.parsed.headers.get("auto-submitted")).toBe("auto-generated");
    expect(mail.outcomes).toMatchObject([{ outcome: "sent", messageId: id, attempts: 1 }]);
  });

  it("delivers each mail once from three servers that dispatch at once", async () => {
    await using opened = await openTestDatabase(newDatabase);
    await using smtp = await startMailServer();
    const servers = [1, 2, 3].map(() => mailOn(opened.db, smtp.mailServer));
    for (let n = 0; n < 60; n++) await servers[0]?.send(mailTo(`ada${n}@example.org`));
    await Promise.all(servers.map(({ dispatcher }) => dispatcher.once()));
    const received = smtp.mails.map(({ envelope }) => envelope.to[0]).sort();
    expect(received).toEqual(Array.from({ length: 60 }, (_, n) => `ada${n}@example.org`).sort());
    for (const { outcomes } of servers) expect(outcomes.every(({ outcome }) => outcome === "sent")).toBe(true);
  });

  it("delivers the mails of a server that died while sending, with the same Message-ID", async () => {
    await using opened = await openTestDatabase(newDatabase);
    await using smtp = await startMailServer();
    const clock = testClock();
    const [dying, other] = [1, 2].map(() => mailOn(opened.db, smtp.mailServer, { clock }));
    if (!dying || !other) throw new Error("two servers");
    await dying.send(mailTo("ada@example.org"));
    // It sends the mail, and dies before it records that.
    const record = vi.spyOn(dying.messages, "markSent").mockRejectedValue(new Error("dead"));
    await expect(dying.dispatcher.once()).rejects.toThrow("dead");
    record.mockRestore();
    await other.dispatcher.once();
    expect(smtp.mails).toHaveLength(1);
    clock.advanceSeconds(60);
    await other.dispatcher.once();
    await other.dispatcher.once();
    expect(smtp.mails).toHaveLength(2);
    expect(new Set(smtp.mails.map(({ parsed }) => parsed.messageId)).size).toBe(1);
  });

  it("keeps a mail for itself while the mail server is slow with it, longer than the lease", async () => {
    await using opened = await openTestDatabase(newDatabase);
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await using smtp = await startMailServer({
      async onMailFrom(_address, _session, callback) {
        arrived.resolve();
        await answer.promise;
        callback();
      },
    });
    const clock = testClock();
    const slow = mailOn(opened.db, smtp.mailServer, { clock, renewalMs: 20 });
    const other = mailOn(opened.db, smtp.mailServer, { clock });
    await slow.send(mailTo("ada@example.org"));
    const sending = slow.dispatcher.once();
    await arrived.promise;
    for (let n = 0; n < 3; n++) {
      clock.advanceSeconds(50);
      await expect
        .poll(
          async () => Number((await opened.db.selectFrom("messages").select("due_at").execute())[0]?.due_at),
          patience,
        )
        .toBe(clock.now() + 60_000);
    }
    await other.dispatcher.once();
    answer.resolve();
    await sending;
    expect(smtp.mails).toHaveLength(1);
    expect(other.outcomes).toEqual([]);
  });
});

describe("the dispatcher and its mail server", () => {
  it("speaks TLS from the start, and logs in", async () => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer({
      secure: true,
      authOptional: false,
      onAuth: ({ username, password }, _session, callback) =>
        username === "app" && password === "p@ss" ? callback(null, { user: "app" }) : callback(smtpError(535, "no")),
    });
    const login = { user: "app", password: "p@ss" };
    const mail = mailOn(opened.db, { ...smtp.mailServer, login });
    await mail.send(mailTo("ada@example.org"));
    await mail.dispatcher.once();
    expect(smtp.mails).toMatchObject([{ secure: true, user: "app" }]);

    const wrong = mailOn(opened.db, { ...smtp.mailServer, login: { user: "app", password: "wrong" } });
    await wrong.send(mailTo("eve@example.org"));
    expect(await wrong.dispatcher.once()).toBe(false);
    expect(wrong.outcomes).toMatchObject([{ outcome: "delayed", reason: expect.stringContaining("535") }]);
  });

  it("sends nothing without TLS to a server that does not offer it, unless the settings allow it", async () => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer({ hideSTARTTLS: true, disabledCommands: ["STARTTLS"] });
    const mail = mailOn(opened.db, smtp.mailServer);
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(false);
    expect(smtp.mails).toEqual([]);
    const allowed = mailOn(opened.db, { ...smtp.mailServer, plaintext: true }, { clock: mail.clock });
    mail.clock.advanceSeconds(15);
    await allowed.dispatcher.once();
    expect(smtp.mails).toMatchObject([{ secure: false }]);
  });

  it.each([
    ["by STARTTLS", {}],
    ["by TLS from the start", { secure: true }],
    ["by STARTTLS, where plain text is allowed", { plaintext: true }],
  ])(
    "sends nothing to a server with a certificate of nobody it trusts, %s",
    async (_, { plaintext = false, ...options }: { plaintext?: boolean; secure?: boolean }) => {
      await using opened = await openTestDatabase(sqlite);
      await using smtp = await startMailServer(options);
      const mail = mailOn(opened.db, { ...smtp.mailServer, plaintext }, { tls: {} });
      await mail.send(mailTo("ada@example.org"));
      expect(await mail.dispatcher.once()).toBe(false);
      expect(smtp.mails).toEqual([]);
      expect(await mail.failures()).toEqual([expect.stringContaining("self-signed certificate")]);
    },
  );

  it.each<[string, Parameters<typeof startMailServer>[0], outcome: string, reachable: boolean]>([
    ["4xx for the recipient", { onRcptTo: (_a, _s, done) => done(smtpError(450, "greylisted")) }, "delayed", true],
    ["5xx for the recipient", { onRcptTo: (_a, _s, done) => done(smtpError(550, "no such user")) }, "given_up", true],
    [
      "4xx for the content",
      { onData: (stream, _s, done) => stream.resume().on("end", () => done(smtpError(451, "busy"))) },
      "delayed",
      true,
    ],
    [
      "5xx for the content",
      { onData: (stream, _s, done) => stream.resume().on("end", () => done(smtpError(554, "spam"))) },
      "given_up",
      true,
    ],
    ["5xx for the sender", { onMailFrom: (_a, _s, done) => done(smtpError(553, "not your domain")) }, "delayed", false],
    ["421 for the recipient", { onRcptTo: (_a, _s, done) => done(smtpError(421, "closing")) }, "delayed", false],
    ["4xx for the greeting", { onConnect: (_s, done) => done(smtpError(421, "too many")) }, "delayed", false],
  ])("that answers %s", async (_, options, outcome, reachable) => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer(options);
    const mail = mailOn(opened.db, smtp.mailServer);
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(reachable);
    expect(mail.outcomes).toMatchObject([{ outcome, attempts: 1 }]);
    expect(smtp.mails).toEqual([]);
  });

  it("tells the operator why a mail was given up, without the address", async () => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer({
      onRcptTo: ({ address }, _session, done) =>
        done(smtpError(550, `<${address}>: no such user, ask ada@example.org`)),
    });
    const mail = mailOn(opened.db, smtp.mailServer);
    await mail.send(mailTo("Ada.L+x@example.org"));
    await mail.dispatcher.once();
    const told = JSON.stringify([
      await mail.audit.list({ limit: 9 }),
      await mail.messages.list({ state: null, limit: 9 }),
      mail.outcomes,
    ]);
    expect(told).toContain("550 <…@…>: no such user, ask …@…");
    expect(told.toLowerCase()).not.toContain("example.org");
  });

  it("sends a mail again that was cut in the middle", async () => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer({ hideSTARTTLS: true, disabledCommands: ["STARTTLS"] });
    let cuts = 0;
    const proxy = createServer((client) => {
      const upstream = connect(smtp.mailServer.port, "127.0.0.1");
      upstream.on("error", () => {}).on("close", () => client.destroy());
      client.on("error", () => {}).on("close", () => upstream.destroy());
      upstream.pipe(client);
      client.on("data", (chunk: Buffer) => {
        if (cuts > 0 || !chunk.includes("Message-ID")) return upstream.write(chunk);
        cuts++;
        upstream.write(chunk.subarray(0, chunk.length / 2), () => client.destroy());
      });
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    const mail = mailOn(opened.db, { ...smtp.mailServer, port, plaintext: true });
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(false);
    expect([cuts, smtp.mails]).toEqual([1, []]);
    mail.clock.advanceSeconds(15);
    expect(await mail.dispatcher.once()).toBe(true);
    expect(smtp.mails).toHaveLength(1);
    proxy.close();
  });

  it("waits for no answer for longer than its limit", async () => {
    await using opened = await openTestDatabase(sqlite);
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    // Not by name: the limit includes the time of looking it up and of trying each address.
    const server = { host: "127.0.0.1", port, tls: false, plaintext: false, login: null };
    const mail = mailOn(opened.db, server, { silenceMs: 50 });
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(false);
    // Whichever of the limits ends first.
    expect(await mail.failures()).toEqual([expect.stringMatching(/timeout|greeting never received/i)]);
    silent.close();
  });

  it("gives a mail server that never finishes an answer no longer than its limit for a mail", async () => {
    await using opened = await openTestDatabase(sqlite);
    const endless = createServer((client) => {
      client.on("error", () => {}).write("220 ready\r\n");
      client.once("data", () => {
        const timer = setInterval(() => client.write("250-still here\r\n"), 20);
        client.once("close", () => clearInterval(timer));
      });
    }).listen(0, "127.0.0.1");
    await once(endless, "listening");
    const { port } = endless.address() as AddressInfo;
    const server = { host: "127.0.0.1", port, tls: false, plaintext: true, login: null };
    const mail = mailOn(opened.db, server, { limitMs: 500 });
    await mail.send(mailTo("ada@example.org"));
    expect(await mail.dispatcher.once()).toBe(false);
    expect(await mail.failures()).toEqual(["the mail server took too long"]);
    endless.close();
  });

  it("tries few of many mails while the mail server is down, and sends all of them when it is back", async () => {
    await using opened = await openTestDatabase(sqlite);
    const first = await startMailServer();
    const { port } = first.mailServer;
    await first.close();
    const mail = mailOn(opened.db, first.mailServer);
    for (let n = 0; n < 50; n++) await mail.send(mailTo(`ada${n}@example.org`));
    expect(await mail.dispatcher.once()).toBe(false);
    expect(mail.outcomes.length).toBeLessThanOrEqual(4);
    await using back = await startMailServer({ port });
    await mail.dispatcher.once();
    mail.clock.advanceSeconds(15);
    await mail.dispatcher.once();
    expect(back.mails).toHaveLength(50);
  });

  it("has at most four mails in memory, however many are queued", async () => {
    await using opened = await openTestDatabase(sqlite);
    const claims: number[] = [];
    await using smtp = await startMailServer({
      async onMailFrom(_address, _session, callback) {
        claims.push(
          (await opened.db.selectFrom("messages").select("id").where("claim", "is not", null).execute()).length,
        );
        callback();
      },
    });
    const mail = mailOn(opened.db, smtp.mailServer);
    for (let n = 0; n < 40; n++) await mail.send(mailTo(`ada${n}@example.org`));
    await mail.dispatcher.once();
    expect(claims).toHaveLength(40);
    expect(Math.max(...claims)).toBeLessThanOrEqual(parallelMails);
  });

  it("does not hold up other mails by one that the mail server is slow with", async () => {
    await using opened = await openTestDatabase(sqlite);
    const answer = Promise.withResolvers<void>();
    await using smtp = await startMailServer({
      async onRcptTo({ address }, _session, callback) {
        if (address.startsWith("slow")) await answer.promise;
        callback();
      },
    });
    const mail = mailOn(opened.db, smtp.mailServer);
    await mail.send(mailTo("slow@example.org"));
    for (let n = 0; n < 10; n++) await mail.send(mailTo(`ada${n}@example.org`));
    const sending = mail.dispatcher.once();
    await expect.poll(() => smtp.mails.length, patience).toBe(10);
    answer.resolve();
    await sending;
    expect(smtp.mails).toHaveLength(11);
  });

  it("returns mails that are being sent to the queue when it ends", async () => {
    await using opened = await openTestDatabase(sqlite);
    const arrived = Promise.withResolvers<void>();
    await using smtp = await startMailServer({ onRcptTo: () => arrived.resolve() });
    const mail = mailOn(opened.db, smtp.mailServer, { shutdownMs: 0 });
    await mail.send(mailTo("ada@example.org"));
    const running = mail.dispatcher.begin((error) => {
      throw error;
    });
    await arrived.promise;
    await running.end();
    expect(mail.outcomes).toEqual([]);
    const next = mailOn(opened.db, smtp.mailServer, { clock: mail.clock });
    expect(await next.messages.claim()).toMatchObject({ attempts: 1 });
  });
});

describe("a mail", () => {
  const sent = async (change: Change, ...mails: Mail[]) => {
    await using opened = await openTestDatabase(sqlite);
    await using smtp = await startMailServer();
    const mail = mailOn(opened.db, smtp.mailServer, change);
    for (const each of mails) await mail.send(each);
    await mail.dispatcher.once();
    return { mails: smtp.mails, outcomes: mail.outcomes, failures: await mail.failures() };
  };

  it("gets no headers and no recipients from its data, its subject or the sender", async () => {
    const hostile = "x\r\nBcc: eve@example.org\r\n\r\nhello";
    const { mails } = await sent(
      {
        brand: { ...brand, name: hostile },
        from: { name: hostile, address: "no-reply@app.example" },
        templates: { new_device: ({ userAgent }) => ({ subject: `${userAgent}`, text: "x", html: "x" }) },
      },
      mailTo("ada@example.org", { template: "new_device", data: { ...event, userAgent: hostile } } as Partial<Mail>),
      mailTo("ada@example.org", { data: { ...event, username: hostile, userAgent: hostile } } as Partial<Mail>),
    );
    expect(mails).toHaveLength(2);
    for (const { parsed, envelope } of mails) {
      expect(envelope.to).toEqual(["ada@example.org"]);
      expect(parsed.bcc).toBeUndefined();
      expect([...parsed.headers.keys()].sort()).toEqual(
        ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"].sort(),
      );
    }
  });

  it("escapes its data in HTML", async () => {
    const username = `<img src=x onerror="alert(1)">&amp;`;
    const { mails } = await sent({}, mailTo("ada@example.org", { data: { ...event, username } } as Partial<Mail>));
    expect(mails[0]?.parsed.html).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;amp;");
    expect(mails[0]?.parsed.text).toContain(username);
  });

  it("has the app's words where the app has a template, which may wait for another renderer", async () => {
    const templates: Partial<MailTemplates> = {
      password_changed: async ({ username }, { brand: { name }, layOut, link }) =>
        layOut({
          subject: `${name}: hello ${username}`,
          parts: [
            { label: "Help", link: link("/help") },
            { label: "Not you?", link: link("/recover") },
          ],
        }),
    };
    const { mails } = await sent(
      { templates },
      mailTo("ada@example.org"),
      mailTo("ada@example.org", { template: "test", data: {} } as Partial<Mail>),
    );
    expect(mails.map(({ parsed }) => parsed.subject).sort()).toEqual([
      `Test mail from ${brand.name}`,
      `${brand.name}: hello ada`,
    ]);
    expect(mails.find(({ parsed }) => parsed.subject?.includes("ada"))?.parsed.text).toContain(
      "Help:\nhttps://app.example/help\n\nNot you?\nhttps://app.example/recover\n",
    );
  });

  it("waits when its template fails, and does not stop the others", async () => {
    const templates: Partial<MailTemplates> = {
      password_changed: () => {
        throw new Error("no words for ada@example.org");
      },
    };
    const { mails, failures } = await sent(
      { templates },
      mailTo("ada@example.org"),
      mailTo("eve@example.org", { template: "test", data: {} } as Partial<Mail>),
    );
    expect(mails).toHaveLength(1);
    expect(failures).toContain("its template failed: no words for …@…");
  });

  it("is not sent when it is of no use any more", async () => {
    const clock = testClock();
    const { mails, outcomes } = await sent({ clock }, mailTo("ada@example.org", { expiresAt: clock.now() }));
    expect(mails).toEqual([]);
    expect(outcomes).toMatchObject([{ outcome: "given_up", reason: "it was of no use any more" }]);
  });

  it("reaches internationalized addresses", async () => {
    const { mails, outcomes } = await sent({}, mailTo("ada@bücher.example"), mailTo("jürgen@example.org"));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["sent", "sent"]);
    const received = mails.map(({ envelope }) => envelope.to[0]).sort();
    expect(received).toEqual(["ada@bücher.example", "jürgen@example.org"]);
  });
});
