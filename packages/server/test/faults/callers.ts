// Users and clients that call a real server over HTTP during faults, and the invariants that they check: every call is
// answered, every answer is a success or an outage, no code or refresh token is redeemed twice.

import { basic, callback, openBrowser } from "../../src/authorization-server/testing.ts";
import type { Db } from "../../src/db/database.ts";
import { type Findings, settle, Unavailable } from "./findings.ts";

/** Fewer refreshes than the maximum within the grace window, so that each one advances the generation. */
const refreshesPerSession = 8;

/** A session as its client knows it. */
export interface KnownSession {
  generation: number;
  ended: "no" | "asked" | "yes";
}

export interface CallersOptions {
  readonly url: string;
  /** A client of the authorization server. */
  readonly client: { readonly id: string; readonly secret: string | null };
  readonly findings: Findings;
  readonly server: {
    /** Resolves when the server runs, or should run. */
    readonly up: () => Promise<void>;
    readonly isAlive: () => boolean;
    /** How often the test has killed it. Calls in progress at that time may get no answer. */
    readonly kills: () => number;
  };
}

export const createCallers = ({ url, client, findings, server }: CallersOptions) => {
  const { report, found, acknowledge, within } = findings;

  /** Read the whole answer: the server may be killed in the middle of one. */
  const whole = async (call: () => Promise<Response>) => {
    const answer = await call();
    return new Response(await answer.text(), { status: answer.status, headers: answer.headers });
  };

  /** The answer to an HTTP call. Throws `Unavailable` for 503, and reports any other unexpected status. */
  const send = async (name: string, call: () => Promise<Response>, ...expected: number[]): Promise<Response> => {
    const killsBefore = server.kills();
    await server.up();
    const response = await within(name, whole(call)).catch((error: unknown) => {
      if (error instanceof Unavailable || server.kills() !== killsBefore) throw new Unavailable();
      found(server.isAlive() ? "wrongAnswers" : "crashes", `${name} got no answer: ${error}`);
      throw new Unavailable();
    });
    if (expected.includes(response.status)) return response;
    const text = await response.text();
    // 429: attempts without a known outcome stay counted for a while.
    if (response.status === 429) throw new Unavailable();
    if (response.status === 503 && /UNAVAILABLE|temporarily_unavailable/.test(text)) report.unavailable++;
    else found("wrongAnswers", `${name} was answered ${response.status}: ${text.slice(0, 300)}`);
    throw new Unavailable();
  };
  const rpc = async <T = Record<string, string>>(path: string, input: unknown, token?: string): Promise<T> => {
    const response = await send(
      path,
      () =>
        fetch(`${url}/trpc/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
          body: input === undefined ? "" : JSON.stringify(input),
        }),
      200,
    );
    return ((await response.json()) as { result: { data: T } }).result.data;
  };
  const token = (name: string, form: Record<string, string>) => {
    const headers = basic(client.id, client.secret);
    const body = new URLSearchParams(form);
    return send(name, () => fetch(`${url}/token`, { method: "POST", headers, body }), 200, 400);
  };
  const sessions = new Map<string, KnownSession>();

  const useSession = async () => {
    const signedIn = await rpc("auth.login", { username: "john", password: "secret" });
    const { sessionId = "", accessToken } = signedIn;
    let { refreshToken = "" } = signedIn;
    const session: KnownSession = { generation: 0, ended: "no" };
    sessions.set(sessionId, session);
    acknowledge();
    for (let n = 0; n < refreshesPerSession; n++) {
      const successors = new Set<string>();
      // Like two tabs.
      const once = async () => {
        const answer = await settle(rpc("auth.refresh", { refreshToken }));
        if (answer?.["refreshToken"]) successors.add(answer["refreshToken"]);
      };
      await Promise.all([once(), once()]);
      if (successors.size > 1) found("doubleRedemptions", `a session's refresh token gave ${successors.size}`);
      const [successor] = successors;
      if (successor === undefined) continue;
      refreshToken = successor;
      session.generation = Number(successor.split(".")[1]);
      acknowledge();
    }
    session.ended = "asked";
    await rpc("auth.logout", undefined, accessToken);
    session.ended = "yes";
    acknowledge();
  };

  /** A whole authorization code flow. Its code and its refresh token are each redeemed twice at once. */
  const connectClient = async () => {
    const browser = openBrowser({ url });
    const page = async (name: string, target: string | URL) => {
      let response: Response | undefined;
      let at = new URL(target, url);
      for (;;) {
        response = await send(name, () => browser.go(at), 200, 302, 303);
        const location = response.headers.get("location");
        if (location === null) throw new Error(`${name} ended at a page, ${at}`);
        at = new URL(location, at);
        if (at.origin !== url || at.pathname.startsWith("/interaction/")) return at;
      }
    };
    const signedIn = await send(
      "auth.login",
      () =>
        browser.go("/trpc/auth.login", {
          method: "POST",
          headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
          body: JSON.stringify({ username: "john", password: "secret", transport: "cookie" }),
        }),
      200,
    );
    const { accessToken } = ((await signedIn.json()) as { result: { data: { accessToken: string } } }).result.data;
    const verifier = "v".repeat(43);
    const query = new URLSearchParams({
      client_id: client.id,
      redirect_uri: callback,
      response_type: "code",
      scope: "openid profile:read offline_access",
      state: "s",
      code_challenge: Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))).toString(
        "base64url",
      ),
      code_challenge_method: "S256",
    });
    let at = await page("/authorize", `/authorize?${query}`);
    if (at.pathname.startsWith("/interaction/")) {
      const approved = await send(
        "authorization.approve",
        () =>
          browser.go("/trpc/authorization.approve", {
            method: "POST",
            headers: {
              "content-type": "application/json",
              "sec-fetch-site": "same-origin",
              authorization: `Bearer ${accessToken}`,
            },
            body: JSON.stringify({ authorizationId: browser.authorizationId(at) }),
          }),
        200,
      );
      const { redirectTo } = ((await approved.json()) as { result: { data: { redirectTo: string } } }).result.data;
      at = await page("the return to /authorize", redirectTo);
    }
    const code = at.searchParams.get("code");
    if (code === null) {
      if (at.searchParams.get("error") === "temporarily_unavailable") report.unavailable++;
      else found("wrongAnswers", `/authorize sent the browser to ${at}`);
      throw new Unavailable();
    }
    acknowledge();
    const exchange = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: verifier };
    const tokens = await redeemTwice("a code", exchange);
    if (tokens.length > 1) found("doubleRedemptions", "a code was redeemed twice");
    const refreshToken = tokens[0]?.["refresh_token"];
    if (!refreshToken) return;
    const refreshed = await redeemTwice("a refresh token", {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
    });
    const successors = new Set(refreshed.map((each) => each["refresh_token"]));
    if (successors.size > 1) found("doubleRedemptions", `a client's refresh token gave ${successors.size}`);
  };

  const redeemTwice = async (name: string, form: Record<string, string>): Promise<Record<string, string>[]> => {
    const answers: Record<string, string>[] = [];
    const once = async () => {
      const answer = await settle(token(name, form));
      const body = (await answer?.json()) as Record<string, string> | undefined;
      if (answer?.status === 200 && body) answers.push(body);
      else if (body && body["error"] !== "invalid_grant")
        found("wrongAnswers", `${name} was answered ${JSON.stringify(body)}`);
    };
    await Promise.all([once(), once()]);
    // A client that gets UNAVAILABLE tries again.
    if (answers.length === 0) await once();
    if (answers.length > 0) acknowledge();
    return answers;
  };

  return { useSession, connectClient, sessions };
};

/** The sessions that clients know are those in the database. */
export const checkSessions = async (db: Db, sessions: ReadonlyMap<string, KnownSession>, { found }: Findings) => {
  const rows = await db.selectFrom("sessions").select(["id", "generation", "ended_at", "end_reason"]).execute();
  const stored = new Map(rows.map((row) => [row.id, row]));
  for (const [id, { generation, ended }] of sessions) {
    const row = stored.get(id);
    if (!row) found("lostWrites", `session ${id} is gone`);
    // At most one more: a refresh whose answer was lost, and whose result the next refresh returned again.
    else if (row.generation < generation || row.generation > generation + 1)
      found("lostWrites", `session ${id} is at ${row.generation}, and its client at ${generation}`);
    else if (ended === "yes" && row.end_reason !== "signed_out") found("lostWrites", `session ${id} goes on`);
    else if (ended === "no" && row.ended_at !== null) found("lostWrites", `session ${id} ended: ${row.end_reason}`);
  }
};
