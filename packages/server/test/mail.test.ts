// Mail of a whole server: what it must not hold up, and what its operator and its developer read.

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { expect, inject, it } from "vitest";
import { john, signInAs, startTestServer } from "../src/testing.ts";
import { callsTo } from "./calls.ts";
import { smtpError, startMailServer } from "./mail-server.ts";

const from = { name: null, address: "no-reply@lockstep.example" };
const patience = { timeout: inject("patienceMs") };

/** What a server logs. */
const recordLog = () => {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { logger: { level: "warn", stream }, text: () => text };
};

it("answers calls while the mail server says nothing", async () => {
  const connections: Socket[] = [];
  const silent = createServer((socket) => connections.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const mailServer = { host: "localhost", port, tls: false, plaintext: true, login: null };
  await using server = await startTestServer({ config: { mail: { on: true, server: mailServer, from } } });
  const { mutate, query } = callsTo(server.app);
  const login = { username: john.username, password: john.password };
  const { data } = await mutate("auth.login", login);
  expect((await query("user.me", { token: data.accessToken })).status).toBe(200);
  // The mail server holds the connection, and the call was answered all the same.
  await expect.poll(() => connections.length, patience).toBe(1);
  expect((await mutate("auth.login", login)).status).toBe(200);
  expect(await server.domain.messages.list({ state: "waiting", limit: 9 })).toMatchObject([{ template: "new_device" }]);
  for (const socket of connections) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

it("logs a mail that is delayed or given up, without its address", async () => {
  await using smtp = await startMailServer({
    hideSTARTTLS: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo: ({ address }, _session, done) => done(smtpError(550, `no ${address} here`)),
  });
  const log = recordLog();
  const mail = { on: true, server: { ...smtp.mailServer, plaintext: true }, from };
  await using server = await startTestServer({ config: { mail }, logger: log.logger });
  await signInAs(server);
  await expect.poll(log.text, patience).toContain("a mail was given up");
  expect(log.text()).toContain("550 no …@… here");
  expect(log.text()).not.toContain(john.email);
});

it("says at start what is turned off without mail", async () => {
  const log = recordLog();
  await using server = await startTestServer({
    config: { mail: { on: false, server: null, from } },
    logger: log.logger,
  });
  expect(log.text()).toContain("MAIL=off: no mail is sent. Turned off: sign-up by mail, recovery");
  await signInAs(server);
  expect(await server.db.selectFrom("messages").selectAll().execute()).toEqual([]);
});
