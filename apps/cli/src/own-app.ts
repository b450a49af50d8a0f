// The demo as an app of our own, which people trust with their password: signs in, reads what only a signed-in user
// can read, and shows a refusal as the type that the contract declared. Nothing here says what an operation takes or
// answers: all of it comes from the contract, and none of it from the server's code.

import type { Contract } from "@app/contract";
import { createClient, errorReader } from "@lockstep/client";
import { safe } from "@trpc/client";
import { DemoError, nobodyAt, type Show, visible } from "./report.ts";

const errorOf = errorReader<Contract>();

export interface OwnAppOptions {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly show: Show;
}

/** An app of our own: its client has every operation. */
export const ownApp = (url: string) => createClient<Contract>({ url });

/** @throws DemoError when nobody can be signed in, or a call is refused that should not be. */
export const runOwnApp = async ({ url, credentials, show }: OwnAppOptions): Promise<void> => {
  const client = ownApp(url);
  const answerTo = async <T>(path: Path, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (thrown) {
      throw failureOf(path, thrown, url);
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

  await answerTo("auth.logout", client.auth.logout.mutate());
  show("auth.logout", { status: "signed out" });

  const [, refusal] = await safe(client.user.me.query());
  const error = errorOf("user.me", refusal);
  if (!refusal || error?.code !== "UNAUTHENTICATED") {
    throw new DemoError("A call without a token was to be refused as UNAUTHENTICATED, and was not.");
  }
  show("user.me, after that", {
    refused: `${error.httpStatus} ${error.code}`,
    message: refusal.message,
    challenge: error.wwwAuthenticate ?? "none",
  });
};

type Path = "auth.login" | "auth.logout" | "user.me" | "demo.greeting";

/** A failure for whoever runs the demo. */
const failureOf = (path: Path, thrown: unknown, url: string): DemoError => {
  const error = errorOf(path, thrown);
  if (!error) throw thrown;
  switch (error.code) {
    case "UNREACHABLE":
      return nobodyAt(url);
    case "INVALID_INPUT":
      return new DemoError(
        error.details.issues.map((issue) => visible(`${issue.path.join(".")}: ${issue.message}.`)).join("\n"),
      );
    default:
      return new DemoError(visible(`${(thrown as Error).message} (${error.code})`));
  }
};
