// Owns the pages that are part of a protocol. The web app renders them: the page carries its data in a `ProtocolPage`.

import type { ClientView, ProtocolPage } from "@lockstep/kit";
import type { Client, ErrorOut, KoaContextWithOIDC } from "oidc-provider";
import type { Clients } from "../domain/clients/clients.ts";
import { currentCall } from "./call.ts";
import { placeOf } from "./interactions.ts";

export type ShowPage = (ctx: KoaContextWithOIDC, page: ProtocolPage) => Promise<void>;

export const pagesOf = (renderPage: (page: ProtocolPage) => Promise<string>, clients: Clients) => {
  const show: ShowPage = async (ctx, page) => {
    ctx.type = "html";
    ctx.set("cache-control", "no-store");
    ctx.body = await renderPage(page);
  };

  const showError = (ctx: KoaContextWithOIDC, { error, error_description: description }: ErrorOut) =>
    show(ctx, { page: "error", error, description: description ?? null });

  const viewOf = async (client: Client | undefined): Promise<ClientView | null> =>
    client ? clients.view(client.clientId) : null;

  return {
    show,

    async deviceCode(ctx: KoaContextWithOIDC, _form: string, out?: ErrorOut, error?: Error & { userCode?: string }) {
      if (error?.name === "AbortedError") return show(ctx, { page: "device_denied" });
      // Shows no typed code: the request is not pending, or no longer.
      if (out && ctx.oidc.route === "device_resume" && problemOf(error?.name) === "failed") return showError(ctx, out);
      const problem = error ? problemOf(error.name) : null;
      if (problem === "unknown" || problem === "expired" || problem === "used") currentCall().wrongCode?.();
      await show(ctx, {
        page: "device_code",
        action: actionOf(ctx, "code_verification"),
        token: xsrfToken(ctx),
        userCode: error?.userCode ?? null,
        problem,
      });
    },

    async deviceConfirm(ctx: KoaContextWithOIDC, _form: string, client: Client, _info: unknown, userCode: string) {
      const view = await viewOf(client);
      if (!view) throw new Error("The client of a device was deleted");
      await show(ctx, {
        page: "device_confirm",
        action: actionOf(ctx, "code_verification"),
        token: xsrfToken(ctx),
        userCode,
        client: view,
      });
    },

    async deviceDone(ctx: KoaContextWithOIDC) {
      const view = await viewOf(ctx.oidc.client);
      if (view) await show(ctx, { page: "device_done", client: view });
    },

    async signOut(ctx: KoaContextWithOIDC) {
      const returnsTo = ctx.oidc.session?.state?.["postLogoutRedirectUri"];
      if (typeof returnsTo === "string") allowFormToReach(ctx, returnsTo);
      await show(ctx, {
        page: "sign_out",
        action: actionOf(ctx, "end_session_confirm"),
        token: xsrfToken(ctx),
        client: await viewOf(ctx.oidc.client),
        returnsTo: placeOf(returnsTo),
      });
    },

    signedOut: (ctx: KoaContextWithOIDC) => show(ctx, { page: "signed_out" }),

    /**
     * The library sends some answers as forms that submit themselves (OAuth 2.0 Form Post Response Mode). The policy
     * must allow their destination.
     */
    async letFormsPass(ctx: KoaContextWithOIDC, next: () => Promise<void>) {
      await next();
      if (!String(ctx.response.get("content-security-policy")).includes("'sha256-")) return;
      const { params, entities, session } = ctx.oidc;
      const targets = [params, entities.Interaction?.params].map((each) => each?.["redirect_uri"]);
      for (const uri of [...targets, session?.state?.["postLogoutRedirectUri"]])
        if (typeof uri === "string") allowFormToReach(ctx, uri);
    },

    error: showError,
  };
};

type Problem = Extract<ProtocolPage, { page: "device_code" }>["problem"];

const problemOf = (name: string | undefined): Problem => {
  switch (name) {
    case "NoCodeError":
      return "missing";
    case "NotFoundError":
      return "unknown";
    case "ExpiredError":
      return "expired";
    case "AlreadyUsedError":
      return "used";
    default:
      return "failed";
  }
};

const actionOf = (ctx: KoaContextWithOIDC, route: string) => new URL(ctx.oidc.urlFor(route)).pathname;

const xsrfToken = (ctx: KoaContextWithOIDC): string => String(ctx.oidc.session?.state?.["secret"] ?? "");

/** `form-action` applies to a form's redirects too, and this one ends at the client. */
export const allowFormToReach = (ctx: KoaContextWithOIDC, uri: string) => {
  const { origin, protocol } = new URL(uri);
  const target = origin === "null" ? protocol : origin;
  const policy = String(ctx.response.get("content-security-policy"));
  if (policy) ctx.set("content-security-policy", policy.replace("form-action 'self'", `form-action 'self' ${target}`));
};
