// Owns the answer of every address that has none of its own for it, when the database cannot serve: a page for people, and
// OAuth's words for programs (RFC 6749 §4.1.2.1).

import type { ProtocolPage } from "@lockstep/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { refusalOf } from "../domain/domain-error.ts";

/** An error handler; what is no outage it throws on. */
export const answerOutage =
  (renderPage: (page: ProtocolPage) => Promise<string>) =>
  async (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const refusal = refusalOf(error);
    if (refusal?.code !== "UNAVAILABLE") throw error;
    request.log.warn({ err: error }, "a request could not be served");
    const { retryAfterSeconds } = refusal.details as { retryAfterSeconds: number };
    reply.code(503).headers({ "retry-after": retryAfterSeconds, "cache-control": "no-store" });
    const told = { error: "temporarily_unavailable", error_description: refusal.message };
    if (!/\btext\/html\b/.test(request.headers.accept ?? "")) return reply.send(told);
    return reply
      .type("text/html")
      .send(await renderPage({ page: "error", error: told.error, description: refusal.message }));
  };
