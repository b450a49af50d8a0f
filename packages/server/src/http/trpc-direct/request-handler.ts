// Owns the way from Fastify to tRPC procedures and back without a web `Request`, a chain of abort signals and a
// `ReadableStream` for each request. It stands in the place of `@trpc/server/adapters/fastify`: same options, same
// answers. What `calls.ts` does not take goes to the official handler as it came. It knows no contract, no domain.

import type { OutgoingHttpHeaders } from "node:http";
import { type AnyTRPCRouter, getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError } from "@trpc/server";
import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import { getHTTPStatusCode } from "@trpc/server/http";
import { isObservable, observableToAsyncIterable } from "@trpc/server/observable";
import type { TRPCResponse } from "@trpc/server/rpc";
import { type Call, type Calls, type RequestOptions, readCalls } from "./calls.ts";
import { streamHeaders, writeEvents } from "./event-stream.ts";

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
  // tRPC's options differ by router in one thing: whether `createContext` may be left out. Here either will do.
  await answer(options as unknown as RequestOptions<AnyTRPCRouter>, calls); // `Router` is not known here, to compare
};

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: TRPCError };

/** A request while it is answered. */
interface Answering {
  readonly options: RequestOptions<AnyTRPCRouter>;
  readonly calls: Calls;
  ctx: unknown;
  noContext: TRPCError | null;
  /** Made when a hook has some to add. */
  headers: Headers | null;
}

interface Payload {
  readonly status: number;
  readonly body: string;
}

const answer = async (options: RequestOptions<AnyTRPCRouter>, calls: Calls): Promise<void> => {
  const { req, res } = options;
  const answering: Answering = { options, calls, ctx: undefined, noContext: null, headers: null };
  try {
    answering.ctx = await options.createContext?.({ req, res, info: calls });
  } catch (cause) {
    answering.noContext = getTRPCErrorFromUnknown(cause);
  }
  let payload: Payload;
  try {
    if (calls.type === "subscription") return await answerStream(answering);
    payload = await resultsOf(answering);
  } catch (cause) {
    // A hook, a transformer or the error formatter threw, or the result was a stream.
    payload = failureOf(answering, getTRPCErrorFromUnknown(cause));
  }
  res.code(payload.status);
  for (const [name, value] of answering.headers ?? ownHeaders) res.header(name, value);
  // Without a serializer of its own, Fastify adds a charset.
  res.serializer(asIs).send(payload.body);
  // Hooks may still hold it back. To wait for what was sent already would cost a call some listeners for nothing.
  if (!res.sent) await res;
};

/**
 * Answers a subscription. A refusal is told within the stream as well, by tRPC's protocol: browsers do not show scripts
 * what else an `EventSource` is answered. Fastify's hooks after the handler do not see a stream.
 * @throws whatever a hook throws before the stream begins
 */
const answerStream = async (answering: Answering): Promise<void> => {
  const { options, calls } = answering;
  const { req, res, router } = options;
  const [call] = calls.calls as [Call];
  const outcome = await outcomeOf(answering, call);
  answering.headers = new Headers([...ownHeaders.slice(0, 1), ...Object.entries(streamHeaders)]);
  const status = metaOf(answering, { data: [], errors: [], eagerGeneration: true })?.status || 200;
  assertStatus(status);
  for (const [name, value] of answering.headers) res.header(name, value);
  res.hijack();
  res.raw.writeHead(status, res.getHeaders() as OutgoingHttpHeaders);
  await writeEvents(res.raw, eventsOf(outcome, call, calls.signal), {
    settings: router._def._config.sse,
    serialize: (value) => router._def._config.transformer.output.serialize(value),
    shapeOf(error) {
      options.onError?.({ error, ctx: answering.ctx, type: calls.type, path: call.path, input: call.result(), req });
      return shapeOf(answering, error, call);
    },
  });
};

const failing = (error: TRPCError): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
});

const eventsOf = (outcome: Outcome, { path }: Call, signal: AbortSignal): AsyncIterable<unknown> => {
  if (!outcome.ok) return failing(outcome.error);
  if (isObservable(outcome.value)) return observableToAsyncIterable(outcome.value, signal);
  if (isAsyncIterable(outcome.value)) return outcome.value;
  return failing(
    new TRPCError({
      code: "INTERNAL_SERVER_ERROR",
      message: `Subscription ${path} did not return an observable or a AsyncGenerator`,
    }),
  );
};

const asIs = (body: string) => body;

const ownHeaders = [
  ["vary", "trpc-accept, accept"],
  ["content-type", "application/json"],
] satisfies [string, string][];

/** Calls all procedures at once. */
const resultsOf = async (answering: Answering): Promise<Payload> => {
  const { calls } = answering;
  const outcomes = (await Promise.all(calls.calls.map((call) => outcomeOf(answering, call)))).map((outcome) =>
    outcome.ok && isStream(outcome.value) ? refusedStream(calls) : outcome,
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

const outcomeOf = async ({ options, calls, ctx, noContext }: Answering, call: Call): Promise<Outcome> => {
  const { path, procedure, getRawInput, batchIndex } = call;
  const { type, signal } = calls;
  let value: unknown;
  let error = noContext;
  if (error === null) {
    try {
      value = await procedure({ path, type, ctx, getRawInput, input: undefined, signal, batchIndex });
    } catch (cause) {
      error = getTRPCErrorFromUnknown(cause);
    }
  }
  if (error !== null) {
    options.onError?.({ error, ctx, type, path, input: call.result(), req: options.req });
    return { ok: false, error };
  }
  return { ok: true, value };
};

/** @throws TRPCError when it was the only call: then the request failed as a whole. */
const refusedStream = ({ isBatchCall }: Calls): Outcome => {
  const error = new TRPCError({
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
  });
  if (!isBatchCall) throw error;
  return { ok: false, error };
};

/** The request failed as a whole. */
const failureOf = (answering: Answering, error: TRPCError): Payload => {
  const { options, calls, ctx } = answering;
  options.onError?.({ error, ctx, type: calls.type, path: undefined, input: undefined, req: options.req });
  const response = refusal(answering, error);
  const body = textOf(answering, response);
  return payloadOf(statusOf(answering, response, [error]), body);
};

const refusal = (answering: Answering, error: TRPCError, call?: Call): TRPCResponse => ({
  error: shapeOf(answering, error, call),
});

const shapeOf = ({ options, calls, ctx }: Answering, error: TRPCError, call?: Call) =>
  getTRPCErrorShape({
    config: options.router._def._config,
    error,
    ctx,
    type: calls.type,
    path: call?.path,
    input: call?.result(),
  });

const textOf = ({ options }: Answering, response: TRPCResponse | TRPCResponse[]): string => {
  const { transformer } = options.router._def._config;
  const sent = (each: TRPCResponse) =>
    "error" in each
      ? { error: transformer.output.serialize(each.error) }
      : { result: { data: transformer.output.serialize(each.result.data) } };
  return JSON.stringify(Array.isArray(response) ? response.map(sent) : sent(response));
};

/** The status of a response, whose `errors` are aligned with its items. Sets the headers that go with it. */
const statusOf = (
  answering: Answering,
  response: TRPCResponse | TRPCResponse[],
  errors: readonly (TRPCError | undefined)[],
): number => {
  const meta = metaOf(answering, {
    data: Array.isArray(response) ? response : [response],
    errors: errors.filter((error) => error !== undefined),
    eagerGeneration: false,
  });
  return meta?.status || getHTTPStatusCode(response, errors);
};

type MetaOptions = Parameters<NonNullable<RequestOptions<AnyTRPCRouter>["responseMeta"]>>[0];

/** What `responseMeta` says of an answer. Sets its headers. */
const metaOf = (answering: Answering, known: Pick<MetaOptions, "data" | "errors" | "eagerGeneration">) => {
  const { options, calls, ctx } = answering;
  const paths = calls.calls.map(({ path }) => path);
  const meta = options.responseMeta?.({ ctx, info: calls, type: calls.type, paths, ...known });
  if (meta?.headers) addHeaders(answering, meta.headers);
  return meta;
};

const addHeaders = (answering: Answering, added: Headers | Record<string, string | string[] | undefined>) => {
  answering.headers ??= new Headers(ownHeaders);
  if (added instanceof Headers) {
    for (const [name, value] of added) answering.headers.append(name, value);
    return;
  }
  for (const [name, value] of Object.entries(added)) {
    if (typeof value === "string") answering.headers.set(name, value);
    for (const each of Array.isArray(value) ? value : []) answering.headers.append(name, each);
  }
};

const payloadOf = (status: number, body: string): Payload => {
  assertStatus(status);
  return { status, body };
};

/** @throws RangeError, TypeError for a status that is none, or takes no body: what a web `Response` throws then. */
const assertStatus = (status: number): void => {
  if (status < 200 || status > 599 || bodiless.has(status)) new Response("", { status });
};

const bodiless = new Set([204, 205, 304]);

/** Whether JSON cannot say it, but `httpBatchStreamLink` could: an async iterable, or an object of promises or such. */
const isStream = (value: unknown): boolean =>
  isObject(value) &&
  (isAsyncIterable(value) || Object.values(value).some((each) => isPromise(each) || isAsyncIterable(each)));

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  isObject(value) && Symbol.asyncIterator in value;

const isPromise = (value: unknown): boolean =>
  (isObject(value) || typeof value === "function") &&
  "then" in value &&
  typeof value.then === "function" &&
  "catch" in value &&
  typeof value.catch === "function";
