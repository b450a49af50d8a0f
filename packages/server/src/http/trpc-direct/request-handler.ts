// Owns calling tRPC procedures directly from Fastify, without a web `Request`, a chain of abort signals and a
// `ReadableStream` for each request. It replaces `@trpc/server/adapters/fastify` for the options that the engine uses,
// with the same answers. It passes requests that `calls.ts` does not handle to the official handler. It depends on no
// contract and no domain.

import type { OutgoingHttpHeaders } from "node:http";
import { getTRPCErrorFromUnknown, getTRPCErrorShape, type TRPCError } from "@trpc/server";
import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import { getHTTPStatusCode } from "@trpc/server/http";
import type { TRPCResponse } from "@trpc/server/rpc";
import { type Call, type Calls, type RequestOptions, readCalls } from "./calls.ts";
import { streamHeaders, writeEvents } from "./event-stream.ts";

/**
 * Answers one request to a router, as the official `fastifyRequestHandler` does. A JSON body must arrive as text, as
 * `fastifyTRPCPlugin` makes sure of; a request whose body was parsed is left to the official handler.
 */
export const directRequestHandler = async (options: RequestOptions): Promise<void> => {
  const disconnected = new AbortController();
  const info = readCalls(options, disconnected.signal);
  if (info === null) return fastifyRequestHandler(options);

  const { req, res } = options;
  res.raw.once("close", () => {
    // Also emitted after a complete answer.
    if (!res.raw.writableEnded) disconnected.abort();
  });
  const answering: Answering = { options, info, ctx: undefined, noContext: null };
  try {
    answering.ctx = await options.createContext?.({ req, res, info });
  } catch (cause) {
    answering.noContext = getTRPCErrorFromUnknown(cause);
  }
  if (info.type === "subscription") await answerStream(answering, info.calls[0] as Call);
  else await answerCalls(answering);
};

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: TRPCError };

/** A request while it is answered. */
interface Answering {
  readonly options: RequestOptions;
  readonly info: Calls;
  ctx: unknown;
  noContext: TRPCError | null;
}

/** Makes all calls at once, and answers when all are done. */
const answerCalls = async (answering: Answering): Promise<void> => {
  const { options, info } = answering;
  const { res } = options;
  const outcomes = await Promise.all(info.calls.map((call) => outcomeOf(answering, call)));
  const responses = outcomes.map((outcome, index) => responseOf(answering, outcome, info.calls[index]));
  let errors = outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error));
  let response = info.isBatchCall ? responses : (responses[0] as TRPCResponse);
  setAnswerHeaders(answering, response, errors);
  let body: string;
  try {
    body = JSON.stringify(response);
  } catch (cause) {
    // A value that JSON cannot express: the request fails as a whole.
    const error = getTRPCErrorFromUnknown(cause);
    tellError(answering, error);
    errors = [error];
    response = responseOf(answering, { ok: false, error });
    setAnswerHeaders(answering, response, errors);
    body = JSON.stringify(response);
  }
  res.code(getHTTPStatusCode(response, errors));
  // Without a serializer of its own, Fastify adds a charset.
  res.serializer(asIs).send(body);
  // Hooks may still delay the answer. Waiting for one that was sent would cost each call some listeners.
  if (!res.sent) await res;
};

const setAnswerHeaders = (
  answering: Answering,
  response: TRPCResponse | TRPCResponse[],
  errors: readonly (TRPCError | undefined)[],
) =>
  setHeaders(answering, ownHeaders, {
    data: Array.isArray(response) ? response : [response],
    errors: errors.filter((error) => error !== undefined),
    eagerGeneration: false,
  });

/**
 * Answers a subscription. By tRPC's protocol a refusal is sent within the stream, too: browsers do not show scripts any
 * other answer to an `EventSource`. Fastify's hooks after the handler do not see a stream.
 */
const answerStream = async (answering: Answering, call: Call): Promise<void> => {
  const { options } = answering;
  const { res, router } = options;
  const outcome = await outcomeOf(answering, call);
  setHeaders(answering, { vary: ownHeaders.vary, ...streamHeaders }, { data: [], errors: [], eagerGeneration: true });
  res.hijack();
  res.raw.writeHead(200, res.getHeaders() as OutgoingHttpHeaders);
  await writeEvents(res.raw, outcome.ok ? (outcome.value as AsyncIterable<unknown>) : failing(outcome.error), {
    settings: router._def._config.sse,
    shapeOf(error) {
      tellError(answering, error, call);
      return shapeOf(answering, error, call);
    },
  });
};

const failing = (error: TRPCError): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
});

const outcomeOf = async (answering: Answering, call: Call): Promise<Outcome> => {
  const { ctx, noContext, info } = answering;
  const { path, procedure, getRawInput, batchIndex } = call;
  const { type, signal } = info;
  let error = noContext;
  if (error === null) {
    try {
      const value = await procedure({ path, type, ctx, getRawInput, input: undefined, signal, batchIndex });
      return { ok: true, value };
    } catch (cause) {
      error = getTRPCErrorFromUnknown(cause);
    }
  }
  tellError(answering, error, call);
  return { ok: false, error };
};

/** `call` is left out when the request failed as a whole. */
const tellError = ({ options, info, ctx }: Answering, error: TRPCError, call?: Call) =>
  options.onError?.({ error, ctx, type: info.type, path: call?.path, input: undefined, req: options.req });

const responseOf = (answering: Answering, outcome: Outcome, call?: Call): TRPCResponse =>
  outcome.ok ? { result: { data: outcome.value } } : { error: shapeOf(answering, outcome.error, call) };

const shapeOf = ({ options, info, ctx }: Answering, error: TRPCError, call?: Call) =>
  getTRPCErrorShape({
    config: options.router._def._config,
    error,
    ctx,
    type: info.type,
    path: call?.path,
    input: undefined,
  });

const asIs = (body: string) => body;

const ownHeaders = { vary: "trpc-accept, accept", "content-type": "application/json" };

type Known = Pick<Parameters<NonNullable<RequestOptions["responseMeta"]>>[0], "data" | "errors" | "eagerGeneration">;

/** Sets the headers of an answer: `own`, and in their place or besides what `responseMeta` says. */
const setHeaders = ({ options, info, ctx }: Answering, own: Record<string, string>, known: Known) => {
  const paths = info.calls.map(({ path }) => path);
  const meta = options.responseMeta?.({ ctx, info, type: info.type, paths, ...known });
  options.res.headers(own).headers(meta?.headers ?? {});
};
