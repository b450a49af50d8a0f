// The cost of a full authorization code flow with PKCE, from `/authorize` and consent to the tokens, in CPU time of the server.
// Compared with the library that implements the protocol, with everything in memory.

import { beginAuthorization, openBrowser, photoApp } from "@lockstep/server/authorization-server-testing";
import { createDomain } from "@lockstep/server/compose-domain";
import { loadConfig } from "@lockstep/server/config";
import { openDatabase } from "@lockstep/server/database";
import { fixtureApp } from "@lockstep/server/fixture-app";
import { testSource } from "@lockstep/server/testing";
import * as client from "openid-client";
import { codeFlowClient } from "./code-flow-client.ts";
import { type BenchDatabase, fill, newDatabase, password } from "./database.ts";
import { pace } from "./pace.ts";
import { cpuTicks, lockstep, oidcProvider, type Running, start } from "./processes.ts";
import { ratios, type Table } from "./report.ts";

const flowsARound = pace.quick ? 10 : 50;

export const codeFlow = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, 10);
  const [ours, library] = await Promise.all([start(lockstep, database.env), start(oidcProvider, {})]);
  try {
    const flows = { ours: await atLockstep(database, ours), library: await atLibrary(library) };
    await flows.ours();
    await flows.library();
    const milliseconds = { ours: [] as number[], library: [] as number[] };
    for (let round = 0; round < pace.rounds; round++) {
      milliseconds.ours.push(await cpuMilliseconds(ours, flows.ours));
      milliseconds.library.push(await cpuMilliseconds(library, flows.library));
    }
    return [
      {
        title: "Authorization code flow with consent",
        figures: [
          { name: "Lockstep on SQLite, ms of CPU", values: milliseconds.ours, digits: 1, target: "≤ 60" },
          { name: "oidc-provider in memory, ms of CPU", values: milliseconds.library, digits: 1 },
          { name: "ratio", values: ratios(milliseconds.ours, milliseconds.library), digits: 2 },
        ],
      },
    ];
  } finally {
    await Promise.all([ours.stop(), library.stop()]);
    database.remove();
  }
};

type Flow = () => Promise<void>;

/** CPU time of the server for each flow, in ms. */
const cpuMilliseconds = async ({ child }: Running, flow: Flow): Promise<number> => {
  const before = cpuTicks(child.pid ?? 0);
  for (let n = 0; n < flowsARound; n++) await flow();
  // One clock tick is 10 ms on Linux.
  return ((cpuTicks(child.pid ?? 0) - before) * 10) / flowsARound;
};

const insecure = { execute: [client.allowInsecureRequests] };

/** A signed-in user who consents to a client for the first time. */
const atLockstep = async ({ url: databaseUrl, env }: BenchDatabase, { url }: Running): Promise<Flow> => {
  const db = await openDatabase(databaseUrl);
  const settings = loadConfig({ ...env, PUBLIC_URL: url }, "/");
  const domain = await createDomain(db, { app: fixtureApp, config: { ...settings, secret: settings.secret ?? "" } });
  const { client: app, secret } = await domain.clients.register(photoApp, "operator", testSource);
  await db.destroy();
  const config = await client.discovery(new URL(url), app.id, secret ?? "", undefined, insecure);
  const browser = openBrowser({ url });
  await browser.signIn("user-0", password);
  return async () => {
    const { url: begin, checks } = await beginAuthorization(config, { prompt: "consent" });
    await client.authorizationCodeGrant(config, await browser.allow(begin), checks);
  };
};

/** A user who signs in on the library's own page, without a password, and consents. */
const atLibrary = async ({ url }: Running): Promise<Flow> => {
  const { id, secret } = codeFlowClient;
  const config = await client.discovery(new URL(url), id, secret, undefined, insecure);
  return async () => {
    const browser = openBrowser({ url });
    const { url: begin, checks } = await beginAuthorization(config, { scope: "openid" });
    const signIn = await browser.follow(begin);
    const consent = await browser.follow(signIn.url, form({ prompt: "login", login: "user-0", password: "x" }));
    const { url: back } = await browser.follow(consent.url, form({ prompt: "consent" }));
    await client.authorizationCodeGrant(config, back, checks);
  };
};

const form = (fields: Record<string, string>): RequestInit => ({ method: "POST", body: new URLSearchParams(fields) });
