// The typed road in a terminal: signs in, reads what only a signed-in user can read, is refused, and shows
// the error as the type that the contract declared. Nothing here says what an operation takes or answers:
// all of it comes from the contract, and none of it from the server's code.

import type { Writable } from "node:stream";
import { createClient, errorOf } from "@lockstep/client";
import { safe } from "@trpc/client";

/** The demo ends here: a sentence for whoever runs it. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

export interface DemoOptions {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly output: Writable;
}

/** An app of our own: its client has every operation. */
export const ownApp = (url: string) => createClient({ url });

/** A third party that asks to read the profile: its client has no other operation that needs a grant. */
export const thirdParty = (url: string) => createClient<"profile:read">({ url });

/** @throws DemoError when nobody can be signed in, or a call is refused that should not be. */
export const runDemo = async ({ url, credentials, output }: DemoOptions): Promise<void> => {
  const client = ownApp(url);
  const show = (title: string, rows: Record<string, string>) => output.write(`${section(title, rows)}\n`);
  const answerTo = async <T>(path: Path, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (thrown) {
      throw new DemoError(sentenceOf(path, thrown, url));
    }
  };

  const { status, expiresIn } = await answerTo("auth.login", client.auth.login.mutate(credentials));
  show("auth.login", { status, "expires in": `${expiresIn} seconds` });

  // Two calls, one request.
  const [me, greeting] = await Promise.all([
    answerTo("user.me", client.user.me.query()),
    answerTo("demo.greeting", client.demo.greeting.query()),
  ]);
  show("user.me", { username: me.username, name: me.fullName, "e-mail": me.email ?? "none", role: me.role });
  show("demo.greeting", { message: greeting.message });

  const [, refusal] = await safe(thirdParty(url).user.me.query());
  const error = errorOf("user.me", refusal);
  if (!refusal || error?.code !== "UNAUTHENTICATED") {
    throw new DemoError("A client without a token was to be refused as UNAUTHENTICATED, and was not.");
  }
  show("user.me, from a third party's client that holds no token", {
    refused: `${error.httpStatus} ${error.code}`,
    message: refusal.message,
    challenge: error.wwwAuthenticate ?? "none",
  });

  await answerTo("auth.logout", client.auth.logout.mutate());
  show("auth.logout", { status: "signed out" });
};

type Path = "auth.login" | "auth.logout" | "user.me" | "demo.greeting";

/** A failure for whoever runs the demo. */
const sentenceOf = (path: Path, thrown: unknown, url: string): string => {
  const error = errorOf(path, thrown);
  if (!error) throw thrown;
  switch (error.code) {
    case "UNREACHABLE":
      return `No Lockstep server answers at ${url}. Start one with \`npm start\`, then try again.`;
    case "INVALID_INPUT":
      return error.details.issues.map((issue) => visible(`${issue.path.join(".")}: ${issue.message}.`)).join("\n");
    default:
      return visible(`${(thrown as Error).message} (${error.code})`);
  }
};

const section = (title: string, rows: Record<string, string>): string => {
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  const lines = Object.entries(rows).map(([name, value]) => `  ${name.padEnd(width)}  ${visible(value)}\n`);
  return `${title}\n${lines.join("")}`;
};

/** Text from a server, without what a terminal would obey instead of show. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "\u{fffd}");
