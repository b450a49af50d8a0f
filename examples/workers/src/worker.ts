// A Worker that serves pages and calls the backend as their user. The browser never calls the backend itself.

import { errorOf } from "@lockstep/client";
import { createServerClient, restoreSession } from "@lockstep/client/server";
import type { Unsubscribable } from "@trpc/server/observable";
import { accountPage, signInPage } from "./pages.ts";

interface Env {
  readonly API_URL: string;
}

const html = (body: string, headers: Headers, status = 200) => {
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("cache-control", "no-store");
  return new Response(body, { status, headers });
};

const seeHome = (headers: Headers) => {
  headers.set("location", "/");
  return new Response(null, { status: 303, headers });
};

/** The client of one request. It adds cookies to `headers`, which belong to the response. */
const clientOf = (request: Request, { API_URL }: Env, headers: Headers) =>
  createServerClient({
    url: API_URL,
    headers: request.headers,
    setCookie: ({ header }) => headers.append("set-cookie", header),
  });

const showPage = async (request: Request, { API_URL }: Env) => {
  const { user, cookies, headers: restored } = await restoreSession({ url: API_URL, headers: request.headers });
  const headers = new Headers();
  for (const { header } of cookies) headers.append("set-cookie", header);
  if (!user) return html(signInPage(""), headers);
  const sessions = await createServerClient({ url: API_URL, headers: restored }).session.list.query();
  return html(accountPage(user, sessions.length), headers);
};

const signIn = async (request: Request, env: Env) => {
  const headers = new Headers();
  const form = await request.formData();
  const [username, password] = [String(form.get("username")), String(form.get("password"))];
  try {
    await clientOf(request, env, headers).auth.login.mutate({ username, password });
  } catch (thrown) {
    const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
    if (error?.code === "INVALID_CREDENTIALS")
      return html(signInPage("The username or the password is wrong."), headers, 401);
    if (error?.code === "TOO_MANY_ATTEMPTS")
      return html(signInPage(`Try again in ${error.details.retryAfterSeconds} seconds.`), headers, 429);
    throw thrown;
  }
  return seeHome(headers);
};

const signOut = async (request: Request, env: Env) => {
  const headers = new Headers();
  await clientOf(request, env, headers).auth.logout.mutate();
  return seeHome(headers);
};

/** Watches the user's sessions, and passes each event on to the page. */
const sendEvents = (request: Request, env: Env) => {
  const encoder = new TextEncoder();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const send = (name: string, data: string): Promise<void> =>
    // Fails when the page is gone.
    writer.write(encoder.encode(`event: ${name}\ndata: ${data}\n\n`)).catch(() => watching.unsubscribe());
  const watching: Unsubscribable = clientOf(request, env, new Headers()).session.events.subscribe(undefined, {
    onData: ({ type }) => send("change", type),
    onError: () => send("end", "").finally(() => writer.close()),
  });
  return new Response(readable, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store, no-transform" },
  });
};

export default {
  async fetch(request, env) {
    switch (`${request.method} ${new URL(request.url).pathname}`) {
      case "GET /":
        return showPage(request, env);
      case "POST /sign-in":
        return signIn(request, env);
      case "POST /sign-out":
        return signOut(request, env);
      case "GET /events":
        return sendEvents(request, env);
      default:
        return new Response("Not found", { status: 404 });
    }
  },
} satisfies ExportedHandler<Env>;
