// Owns the binding of an authorization request to the browser in which it began: a random value in a cookie, whose hash
// is in the request's record. Knowing the request's ID is not enough to read or answer it (login CSRF, RFC 9700 §4.7).
// The record also contains the revision of the client that the person sees.

import { type Interaction, type KoaContextWithOIDC, Provider } from "oidc-provider";
import { secretHash } from "../domain/clients/clients.ts";
import { revisionProperty } from "./adapter.ts";
import { paths } from "./paths.ts";

/** The cookies of the authorization server. `http/cookies.ts` owns them. */
export interface AuthorizationCookies {
  /** The names of `oidc-provider`'s own cookies: its session, resuming a request, and one that nothing here reads. */
  readonly library: { readonly session: string; readonly resume: string; readonly interaction: string };
  nameOf(id: string): string;
  valueOf(secret: string, beganAtSeconds: number): string;
  /** The IDs of the requests that this one replaces, given the browser's `Cookie` header. */
  replacedBy(id: string, cookieHeader: string | undefined): string[];
}

/** Our additions to a request's record. */
export interface Binding {
  readonly browserHash: string;
  /** The revision of the client that the person is shown. */
  readonly clientRevision: number;
}

/** Binds each authorization request of `provider` when it is stored. */
export const bindToBrowser = (provider: Provider, newSecret: () => string) => {
  // Missing from the library's types; `binding.test.ts` fails when it is removed.
  const Model = provider.Interaction as unknown as {
    IN_PAYLOAD: readonly string[];
    prototype: Partial<Binding> & { save(ttl: number): Promise<string> };
  };
  const names = [...Model.IN_PAYLOAD, "browserHash", "clientRevision"] satisfies (string | keyof Binding)[];
  Object.defineProperty(Model, "IN_PAYLOAD", { get: () => names });

  const secrets = new WeakMap<object, string>();
  const { save } = Model.prototype;
  Model.prototype.save = function (ttl) {
    if (this.browserHash === undefined) {
      const secret = newSecret();
      secrets.set(this, secret);
      const clientRevision = Number(Provider.ctx?.oidc.client?.[revisionProperty] ?? 0);
      Object.assign(this, { browserHash: secretHash(secret), clientRevision } satisfies Binding);
    }
    return save.call(this, ttl);
  };

  return {
    /** Sets the cookie of a request that was just stored, and removes the oldest cookies beyond the limit. */
    keep(
      ctx: KoaContextWithOIDC,
      interaction: Interaction,
      { cookies, secure, lifetimeSeconds }: { cookies: AuthorizationCookies; secure: boolean; lifetimeSeconds: number },
    ): void {
      const secret = secrets.get(interaction);
      if (secret === undefined) throw new Error("The authorization request was not bound to its browser");
      const attributes = { httpOnly: true, sameSite: "strict", secure, signed: false } as const;
      for (const id of cookies.replacedBy(interaction.uid, ctx.get("cookie") || undefined)) {
        ctx.cookies.set(cookies.nameOf(id), null, attributes);
        for (const path of [`${paths.authorization}/${id}`, `${paths.code_verification}/${id}`])
          ctx.cookies.set(cookies.library.resume, null, {
            httpOnly: true,
            sameSite: "lax",
            secure,
            signed: true,
            path,
          });
      }
      const maxAge = lifetimeSeconds * 1000;
      ctx.cookies.set(cookies.nameOf(interaction.uid), cookies.valueOf(secret, interaction.exp - lifetimeSeconds), {
        ...attributes,
        maxAge,
      });
    },
  };
};

/** Removes the cookie of this name from every response: the library sets it, and nothing here reads it. */
export const withoutCookie = (name: string) => async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
  await next();
  const lines = ctx.res.getHeader("set-cookie");
  if (!Array.isArray(lines)) return;
  ctx.res.setHeader(
    "set-cookie",
    lines.filter((line) => !line.startsWith(`${name}=`) && !line.startsWith(`${name}.sig=`)),
  );
};
