// Owns the answer of the authorization server while the database is unavailable: 503 with `Retry-After`. The library
// would report an internal error (500).

import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import { type DomainError, refusalOf } from "../domain/kernel/domain-error.ts";
import { report } from "./call.ts";
import type { ShowPage } from "./pages.ts";

/** Middleware around the whole library. It never redirects, so the client learns nothing of the outage. */
export const answerOutages = (provider: Provider, show: ShowPage) => {
  const outages = new WeakMap<object, DomainError<"UNAVAILABLE">>();
  const isOutage = (ctx: object, error: unknown): boolean => {
    const refusal = refusalOf(error);
    if (refusal?.code !== "UNAVAILABLE") return false;
    outages.set(ctx, refusal as DomainError<"UNAVAILABLE">);
    return true;
  };
  provider.on("server_error", (ctx, error) => void isOutage(ctx, error));

  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    try {
      await next();
    } catch (error) {
      // Thrown where the library catches nothing, such as when it saves its session at the end.
      if (!isOutage(ctx, error)) throw error;
      report(error);
    }
    const outage = outages.get(ctx);
    if (!outage) return;
    const { message, details } = outage;
    const error = "temporarily_unavailable";
    ctx.remove("location");
    ctx.remove("set-cookie");
    if (ctx.accepts("json", "html") === "html") await show(ctx, { page: "error", error, description: message });
    else ctx.body = { error, error_description: message };
    ctx.status = 503;
    ctx.set("retry-after", String(details.retryAfterSeconds));
  };
};
