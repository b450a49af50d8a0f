// Owns the way from Fastify to tRPC procedures and back without a web `Request`, a chain of abort signals and a
// `ReadableStream` for each request. It stands in the place of `@trpc/server/adapters/fastify`: same options, same
// answers. What `calls.ts` does not take goes to the official handler as it came. It knows no contract, no domain.

import {
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  TRPCError,
  transformTRPCResponse,
} from "@trpc/server";
import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import { getHTTPStatusCode } from "@trpc/server/http";
import type { TRPCResponse } from "@trpc/server/rpc";
import { type Call, type Calls, type RequestOptions, readCalls } from "./calls.ts";

/**
 * Answers one request to a router, as the official `fastifyRequestHandler` does. A JSON body has to reach it as
 * text, as `fastifyTRPCPlugin` makes sure of; one that was parsed already is left to the official handler.
 */
export const directRequestHandler = async <Router extends AnyTRPCRouter>(
  options: RequestOptions<Router>,
): Promise<void> => {
  const disconnected = new AbortController();
  const calls = readCalls(options, disconnected.signal);
  if (calls === null) return fastifyRequestHandler(options);

  const { raw } = options.res;
  raw.once("close", () => {
    // Emitted after a complete answer as well.
    if (!raw.writableEnded) disconnected.abort();
  });
  // tRPC's options differ by router in one thing: whether `createContext` may be left out. Here either will do, which
  // the compiler cannot see of a router that it does not know.
  await answer(options as unknown as RequestOptions<AnyTRPCRouter>, calls);
};

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: TRPCError };

/** A request while it is answered. */
interface Answering {
  readonly options: RequestOptions<AnyTRPCRouter>;
  readonly calls: Calls;
  readonly ctx: unknown;
  readonly headers: Headers;
}

interface Payload {
  readonly status: number;
  readonly body: string;
}

const answer = async (options: RequestOptions<AnyTRPCRouter>, calls: Calls): Promise<void> => {
  const context = await outcomeOf(async () => options.createContext?.({ ...options, info: calls }));
  const headers = new Headers({ vary: "trpc-accept, accept", "content-type": "application/json" });
  const answering: Answering = { options, calls, ctx: context.ok ? context.value : undefined, headers };
  let payload: Payload;
  try {
    payload = await resultsOf(answering, context);
  } catch (cause) {
    // A hook, a transformer or the error formatter threw, or the result was a stream.
    payload = failureOf(answering, getTRPCErrorFromUnknown(cause));
  }
  const { res } = options;
  res.code(payload.status);
  for (const [name, value] of headers) res.header(name, value);
  // Without a serializer of its own, Fastify adds a charset. A reply is settled when it was sent, after all hooks.
  await res.serializer(asIs).send(payload.body);
};

const asIs = (body: string) => body;

/** Calls all procedures at once. */
const resultsOf = async (answering: Answering, context: Outcome): Promise<Payload> => {
  const { calls } = answering;
  const outcomes = (await Promise.all(calls.calls.map((call) => outcomeOfCall(answering, context, call)))).map(
    (outcome): Outcome => {
      if (!outcome.ok || !isStream(outcome.value)) return outcome;
      const error = new TRPCError({
        code: "UNSUPPORTED_MEDIA_TYPE",
        message: "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
      });
      if (!calls.isBatchCall) throw error;
      return { ok: false, error };
    },
  );
  const responses = outcomes.map(
    (outcome, index): TRPCResponse =>
      outcome.ok ? { result: { data: outcome.value } } : refusal(answering, outcome.error, calls.calls[index]),
  );
  const response = calls.isBatchCall ? responses : (responses[0] as TRPCResponse);
  const errors = outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error));
  const status = statusOf(answering, response, errors);
  return payloadOf(status, textOf(answering, response));
};

const outcomeOfCall = async ({ options, calls, ctx }: Answering, context: Outcome, call: Call): Promise<Outcome> => {
  const { path, getRawInput, batchIndex } = call;
  const { type, signal } = calls;
  const outcome = context.ok
    ? await outcomeOf(() =>
        callTRPCProcedure({ router: options.router, path, type, ctx, getRawInput, signal, batchIndex }),
      )
    : context;
  if (!outcome.ok) {
    options.onError?.({ error: outcome.error, ctx, type, path, input: call.result(), req: options.req });
  }
  return outcome;
};

/** The request failed as a whole. */
const failureOf = (answering: Answering, error: TRPCError): Payload => {
  const { options, calls, ctx } = answering;
  options.onError?.({ error, ctx, type: calls.type, path: undefined, input: undefined, req: options.req });
  const response = refusal(answering, error);
  const body = textOf(answering, response);
  return payloadOf(statusOf(answering, response, [error]), body);
};

const refusal = ({ options, calls, ctx }: Answering, error: TRPCError, call?: Call): TRPCResponse => ({
  error: getTRPCErrorShape({
    config: options.router._def._config,
    error,
    ctx,
    type: calls.type,
    path: call?.path,
    input: call?.result(),
  }),
});

const textOf = ({ options }: Answering, response: TRPCResponse | TRPCResponse[]): string =>
  JSON.stringify(transformTRPCResponse(options.router._def._config, response));

/** The status of a response, whose `errors` are aligned with its items. Sets the headers that go with it. */
const statusOf = (
  { options, calls, ctx, headers }: Answering,
  response: TRPCResponse | TRPCResponse[],
  errors: readonly (TRPCError | undefined)[],
): number => {
  const meta = options.responseMeta?.({
    ctx,
    info: calls,
    type: calls.type,
    paths: calls.calls.map(({ path }) => path),
    data: [response].flat(),
    errors: errors.filter((error) => error !== undefined),
    eagerGeneration: false,
  });
  if (meta?.headers instanceof Headers) {
    for (const [name, value] of meta.headers) headers.append(name, value);
  } else {
    for (const [name, value] of Object.entries(meta?.headers ?? {})) {
      if (typeof value === "string") headers.set(name, value);
      for (const each of Array.isArray(value) ? value : []) headers.append(name, each);
    }
  }
  return meta?.status || getHTTPStatusCode(response, errors);
};

/** @throws RangeError, TypeError for a status that is none, or takes no body: what a web `Response` throws then. */
const payloadOf = (status: number, body: string): Payload => {
  if (status < 200 || status > 599 || bodiless.has(status)) new Response(body, { status });
  return { status, body };
};

const bodiless = new Set([204, 205, 304]);

const outcomeOf = async (run: () => Promise<unknown>): Promise<Outcome> => {
  try {
    return { ok: true, value: await run() };
  } catch (cause) {
    return { ok: false, error: getTRPCErrorFromUnknown(cause) };
  }
};

/** Whether JSON cannot say it, but `httpBatchStreamLink` could: an async iterable, or an object of promises or such. */
const isStream = (value: unknown): boolean =>
  isObject(value) &&
  (isAsyncIterable(value) || Object.values(value).some((each) => isPromise(each) || isAsyncIterable(each)));

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isAsyncIterable = (value: unknown): boolean => isObject(value) && Symbol.asyncIterator in value;

const isPromise = (value: unknown): boolean =>
  (isObject(value) || typeof value === "function") &&
  "then" in value &&
  typeof value.then === "function" &&
  "catch" in value &&
  typeof value.catch === "function";
