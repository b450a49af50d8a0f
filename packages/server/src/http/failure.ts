// Owns the error responses of routes without their own. When the database is unavailable: a page for people, OAuth's
// JSON for programs (RFC 6749 §4.1.2.1). Otherwise the contract's shape. The message of a bug is only logged.

import type { ProtocolPage } from "@lockstep/kit";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { DomainError, refusalOf } from "../domain/kernel/domain-error.ts";
import { codeByStatus, refuse } from "./rpc.ts";

export const answerFailure =
  (renderPage: (page: ProtocolPage) => Promise<string>) =>
  async (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const refusal = refusalOf(error);
    if (refusal?.code !== "UNAVAILABLE") {
      const code = codeByStatus(error.statusCode);
      if (code === "INTERNAL") request.log.error({ err: error }, "a request failed");
      return refuse(new DomainError(code), request, reply);
    }
    request.log.warn({ err: error }, "a request could not be served");
    const { retryAfterSeconds } = refusal.details as { retryAfterSeconds: number };
    reply.code(503).headers({ "retry-after": retryAfterSeconds, "cache-control": "no-store" });
    const body = { error: "temporarily_unavailable", error_description: refusal.message };
    if (!/\btext\/html\b/.test(request.headers.accept ?? "")) return reply.send(body);
    return reply
      .type("text/html")
      .send(await renderPage({ page: "error", error: body.error, description: refusal.message }));
  };
