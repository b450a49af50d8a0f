// The demo as a first-party client, which users trust with their password: signs in, calls operations that need a
// session, signs out, and shows a refusal with its declared type. All types come from the contract, none from the server.

import type { Contract } from "@app/contract";
import { createClient, errorReader } from "@lockstep/client";
import { safe } from "@trpc/client";
import { DemoError, type Show, stripControls, unreachable } from "./report.ts";

const errorOf = errorReader<Contract>();

export interface FirstPartyOptions {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly show: Show;
}

/** A first-party client: it has every operation. */
export const firstParty = (url: string) => createClient<Contract>({ url });

/** @throws DemoError when the sign-in fails, or a call has another result than it should */
export const runFirstParty = async ({ url, credentials, show }: FirstPartyOptions): Promise<void> => {
  const client = firstParty(url);
  const resultOf = async <T>(path: Path, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (thrown) {
      throw failureOf(path, thrown, url);
    }
  };

  const { status, expiresIn } = await resultOf("auth.login", client.auth.login.mutate(credentials));
  show("auth.login", { status, "expires in": `${expiresIn} seconds` });

  // Two calls in one request.
  const [me, sessions] = await Promise.all([
    resultOf("user.me", client.user.me.query()),
    resultOf("session.list", client.session.list.query()),
  ]);
  show("user.me", { username: me.username, name: me.fullName, "e-mail": me.email ?? "none", role: me.role });
  show("session.list", { sessions: String(sessions.length) });

  await resultOf("auth.logout", client.auth.logout.mutate());
  show("auth.logout", { status: "signed out" });

  const [, refusal] = await safe(client.user.me.query());
  const error = errorOf("user.me", refusal);
  if (!refusal || error?.code !== "UNAUTHENTICATED") {
    throw new DemoError("A call without a token was not refused with UNAUTHENTICATED.");
  }
  show("user.me, signed out", {
    refused: `${error.httpStatus} ${error.code}`,
    message: refusal.message,
    challenge: error.wwwAuthenticate ?? "none",
  });
};

type Path = "auth.login" | "auth.logout" | "user.me" | "session.list";

/** The failure of a call, as a sentence for the user of the demo. */
const failureOf = (path: Path, thrown: unknown, url: string): DemoError => {
  const error = errorOf(path, thrown);
  if (!error) throw thrown;
  switch (error.code) {
    case "UNREACHABLE":
      return unreachable(url);
    case "INVALID_INPUT":
      return new DemoError(
        error.details.issues.map((issue) => stripControls(`${issue.path.join(".")}: ${issue.message}.`)).join("\n"),
      );
    default:
      return new DemoError(stripControls(`${(thrown as Error).message} (${error.code})`));
  }
};
