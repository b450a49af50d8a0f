// Owns the subjects of the comparisons: how each is started and signed in to, and its measured calls. To add one, write a
// program beside the others and add an entry here.

import { createDomain } from "@lockstep/server/compose-domain";
import { loadConfig } from "@lockstep/server/config";
import { openDatabase } from "@lockstep/server/database";
import { fixtureApp } from "@lockstep/server/fixture-app";
import { grantedToken } from "@lockstep/server/testing";
import { type BenchDatabase, bcryptCost, copyOf, password, plainPasswordHash, setPasswordHashes } from "./database.ts";
import type { Header } from "./load.ts";
import {
  bareFastify,
  betterAuth,
  express,
  lockstep,
  officialAdapter,
  plainTrpc,
  pythonWithFastapi,
  type Running,
  start,
  startFastapi,
} from "./processes.ts";

/** Signs a user in, and returns the header of their later calls. `address`: where the sign-in comes from, if that matters. */
export type SignIn = (url: string, username: string, address?: string) => Promise<Header>;

interface Call {
  readonly name: string;
  readonly path: string;
  /** How many calls one request makes. Default: one. */
  readonly calls?: number;
  /** The caller, if it is not the subject's own app: for example a third-party client with a scope. */
  readonly signIn?: SignIn;
}

export interface Subject {
  readonly name: string;
  start(): Promise<Running>;
  /** `null`: it has no sign-in. */
  readonly signIn: SignIn | null;
  /** The calls that read the signed-in user. */
  readonly calls: readonly Call[];
  /** A path that answers 401 to a token with a wrong signature. `null`: there is none. */
  readonly refusal: string | null;
}

/** How many calls a batch has. */
const batchSize = 10;

/** The names of the calls in the tables. Ratios refer to them. */
const names = {
  rpc: "Lockstep, RPC",
  rest: "Lockstep, REST",
  thirdParty: "Lockstep, RPC by a third-party client",
  batch: `Lockstep, RPC in batches of ${batchSize}`,
  official: "tRPC's own Fastify adapter",
  trpc: "tRPC as documented",
  express: "Express with passport-jwt",
  betterAuth: "better-auth, get-session",
  fastapi: "FastAPI on uvicorn",
  limit: "bare Fastify JSON",
};

export type Subjects = Awaited<ReturnType<typeof createSubjects>>;

const batchPath = `/trpc/${Array(batchSize).fill("user.me").join(",")}?batch=1`;

/** Lockstep, its peers, and the upper limit: a web server that does nothing else. */
export const createSubjects = async (database: BenchDatabase, users: number) => {
  const passwordHash = await plainPasswordHash();
  const copies: BenchDatabase[] = [];
  /** Each has a database of its own with the same data. */
  const ownCopy = () => {
    const copy = copyOf(database);
    copies.push(copy);
    return copy;
  };
  const peerEnv = () => {
    const copy = ownCopy();
    setPasswordHashes(copy, passwordHash);
    return { NODE_ENV: "production", DATABASE_FILE: copy.file };
  };

  const ours: Subject = {
    name: "Lockstep",
    start: () => start(lockstep, database.env),
    signIn: signInOverRpc,
    calls: [
      { name: names.rpc, path: "/trpc/user.me" },
      { name: names.rest, path: "/users/me" },
      { name: names.batch, path: batchPath, calls: batchSize },
      { name: names.thirdParty, path: "/trpc/user.me", signIn: asClient(database) },
    ],
    refusal: "/trpc/user.me",
  };
  const officialEnv = ownCopy().env;
  const official: Subject = {
    name: names.official,
    start: () => start(officialAdapter, officialEnv),
    signIn: signInOverRpc,
    calls: [
      { name: names.official, path: "/trpc/user.me" },
      { name: `${names.official}, in batches of ${batchSize}`, path: batchPath, calls: batchSize },
    ],
    refusal: "/trpc/user.me",
  };
  const trpcEnv = peerEnv();
  const trpc: Subject = {
    name: names.trpc,
    start: () => start(plainTrpc, trpcEnv),
    signIn: signInOverRpc,
    calls: [{ name: names.trpc, path: "/trpc/user.me" }],
    refusal: "/trpc/user.me",
  };
  const expressEnv = peerEnv();
  const passportJwt: Subject = {
    name: names.express,
    start: () => start(express, expressEnv),
    signIn: async (url, username) => {
      const { accessToken } = await post<{ accessToken: string }>(`${url}/login`, { username, password });
      return bearer(accessToken);
    },
    calls: [{ name: names.express, path: "/users/me" }],
    refusal: "/users/me",
  };
  const betterAuthEnv = {
    NODE_ENV: "production",
    DATABASE_FILE: `${database.file}-better-auth`,
    BCRYPT_COST: String(bcryptCost),
    USERS: String(users),
    PASSWORD_HASH: passwordHash,
  };
  const better: Subject = {
    name: "better-auth",
    start: () => start(betterAuth, betterAuthEnv),
    signIn: async (url, username) => {
      const body = JSON.stringify({ email: `${username}@example.com`, password });
      const response = await fetch(`${url}/api/auth/sign-in/email`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: url },
        body,
      });
      if (!response.ok) throw new Error(`better-auth answered ${response.status}: ${await response.text()}`);
      const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]);
      return ["cookie", cookies.join("; ")];
    },
    calls: [{ name: names.betterAuth, path: "/api/auth/get-session" }],
    // It answers 200 with `null`.
    refusal: null,
  };
  const limit: Subject = {
    name: names.limit,
    start: () => start(bareFastify, {}),
    signIn: null,
    calls: [{ name: names.limit, path: "/me" }],
    refusal: "/refused",
  };
  const subjects = [ours, official, trpc, passportJwt, better, limit];
  if (pythonWithFastapi !== undefined) {
    const [python, env] = [pythonWithFastapi, peerEnv()];
    subjects.push({
      name: names.fastapi,
      start: () => startFastapi(python, env),
      signIn: async (url, username) => {
        const response = await fetch(`${url}/token`, {
          method: "POST",
          body: new URLSearchParams({ username, password }),
        });
        if (!response.ok) throw new Error(`FastAPI answered ${response.status}: ${await response.text()}`);
        return bearer(((await response.json()) as { access_token: string }).access_token);
      },
      calls: [{ name: names.fastapi, path: "/users/me" }],
      refusal: "/users/me",
    });
  }
  return {
    /** Lockstep first. */
    all: subjects as readonly Subject[],
    names,
    remove: () => {
      for (const copy of copies) copy.remove();
    },
  };
};

const signInOverRpc = async (url: string, username: string, address?: string): Promise<Header> => {
  const { result } = await post<{ result: { data: { accessToken: string } } }>(
    `${url}/trpc/auth.login`,
    { username, password },
    address === undefined ? {} : { "x-forwarded-for": address },
  );
  return bearer(result.data.accessToken);
};

const bearer = (token: string): Header => ["authorization", `Bearer ${token}`];

const post = async <T>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<T> => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
};

/** A third-party client that the user granted access, with a token as the authorization server signs it. */
const asClient =
  ({ url: databaseUrl, env }: BenchDatabase): SignIn =>
  async (url, username) => {
    const db = await openDatabase(databaseUrl);
    try {
      // The issuer of tokens is the address with which the server was started.
      const settings = loadConfig({ ...env, PUBLIC_URL: url }, "/");
      const config = { ...settings, secret: settings.secret ?? "" };
      const domain = await createDomain(db, { app: fixtureApp, config });
      const user = (await domain.users.findByLogin(username))?.user;
      const { accessToken } = await grantedToken({ domain, config }, user?.id ?? "", ["profile:read"]);
      return bearer(accessToken);
    } finally {
      await db.destroy();
    }
  };
