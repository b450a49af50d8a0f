// Owns which requests can go straight to their procedures, and what those say: JSON queries, mutations, subscriptions and
// batches of procedures that are known, by the method that they take. All the rest is for the official adapter.

import type { TLSSocket } from "node:tls";
import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from "@trpc/server";
import type { FastifyHandlerOptions } from "@trpc/server/adapters/fastify";
import type { TRPCRequestInfo } from "@trpc/server/http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { writesAll } from "./event-stream.ts";

/** What the official `fastifyRequestHandler` takes. */
export type RequestOptions<Router extends AnyTRPCRouter> = FastifyHandlerOptions<
  Router,
  FastifyRequest,
  FastifyReply
> & {
  req: FastifyRequest;
  res: FastifyReply;
  path: string;
};

export type Call = TRPCRequestInfo["calls"][number] & { readonly procedure: AnyTRPCProcedure };

export interface Calls extends TRPCRequestInfo {
  readonly type: "query" | "mutation" | "subscription";
  readonly calls: Call[];
}

/** The calls of a request; `null` when it is not as plain as that. Nothing is read that a later reader would miss. */
export const readCalls = <Router extends AnyTRPCRouter>(
  options: RequestOptions<Router>,
  signal: AbortSignal,
): Calls | null => {
  const { req, path, router } = options;
  if (!isPlain(req) || path.includes("%")) return null;
  const address = addressOf(req);
  if (address === null || address.parameters.has("connectionParams")) return null;

  const isBatchCall = address.parameters.get("batch") === "1";
  const { pathSeparator } = router._def._config;
  const paths = (isBatchCall ? path.split(",") : [path]).map((each) => each.replaceAll(pathSeparator, "."));
  if (isBatchCall && !takesBatches(options, paths.length)) return null;

  const procedures = paths.map((each): AnyTRPCProcedure | undefined => router._def.procedures[each]);
  const type = procedures[0]?._def.type;
  if (type === undefined) return null;
  if (type === "subscription" && (isBatchCall || resumes(req, address) || !writesAll(router._def._config.sse)))
    return null;
  if (req.raw.method === "GET" ? type === "mutation" : type !== "mutation" && !options.allowMethodOverride) return null;
  // Of one kind, and none unknown or not loaded yet.
  if (!isOfType(procedures, type)) return null;

  const text = req.raw.method === "GET" ? address.parameters.get("input") : (req.body as string);
  const inputs = inputsOf(router, text, isBatchCall ? paths.length : null);
  const calls = procedures.map((procedure, batchIndex) => ({
    path: paths[batchIndex] as string,
    procedure,
    batchIndex,
    getRawInput: async () => inputs.read()[batchIndex],
    result: () => inputs.known()?.[batchIndex],
  }));
  return new PlainCalls(isBatchCall, type, calls, signal, address);
};

/** A class for its getter: in an object literal, one costs V8 a new hidden class each time, which outlives the call. */
class PlainCalls implements Calls {
  readonly isBatchCall: boolean;
  readonly accept = null;
  readonly type: Calls["type"];
  readonly calls: Call[];
  readonly connectionParams = null;
  readonly signal: AbortSignal;
  readonly #address: Address;

  constructor(isBatchCall: boolean, type: Calls["type"], calls: Call[], signal: AbortSignal, address: Address) {
    this.isBatchCall = isBatchCall;
    this.type = type;
    this.calls = calls;
    this.signal = signal;
    this.#address = address;
  }

  get url(): URL {
    return this.#address.url;
  }
}

/** A GET without a body, or a POST of JSON that was read as text; asking for no stream. */
const isPlain = ({ raw: { method, headers }, body }: FastifyRequest): boolean => {
  const contentType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  const isJson = contentType === "application/json";
  const plainBody =
    method === "GET" ? isJson || contentType === undefined : method === "POST" && isJson && typeof body === "string";
  return plainBody && headers["trpc-accept"] === undefined && !headers.accept?.includes("application/jsonl");
};

/** Whether a client asks for the events after one that it had. */
const resumes = ({ raw: { headers } }: FastifyRequest, { parameters }: Address): boolean =>
  headers["last-event-id"] !== undefined || parameters.has("lastEventId") || parameters.has("Last-Event-Id");

/** Where a request went. The whole of it is put together when somebody asks: hardly anybody does. */
class Address {
  readonly parameters: URLSearchParams;
  readonly #target: string;
  readonly #origin: string;
  #url: URL | undefined;

  constructor(target: string, origin: string) {
    this.#target = target;
    this.#origin = origin;
    const query = target.indexOf("?");
    this.parameters = query < 0 ? noParameters : new URLSearchParams(target.slice(query));
  }

  get url(): URL {
    this.#url ??= new URL(this.#target, this.#origin);
    return this.#url;
  }
}

const noParameters = new URLSearchParams();

/** `null` when it is none, is HTTP/2's, or is so unlike others that it had to be parsed to know what it asks for. */
const addressOf = ({ raw: { url, headers, socket } }: FastifyRequest): Address | null => {
  const { host } = headers;
  if (url === undefined || host === undefined || !plainTarget.test(url)) return null;
  const origin = `${(socket as Partial<TLSSocket>).encrypted ? "https:" : "http:"}//${host}`;
  if (origin !== goodOrigin) {
    if (!URL.canParse(origin)) return null;
    goodOrigin = origin;
  }
  return new Address(url, origin);
};

/** A path that cannot be taken for a host, all of it ASCII, without a fragment: as good an address as its origin is. */
const plainTarget = /^\/(?![/\\])[!"$-~]*$/;

/** The last that was found good: that of nearly all requests. */
let goodOrigin: string | undefined;

const takesBatches = <Router extends AnyTRPCRouter>(
  { allowBatching, batching, maxBatchSize }: RequestOptions<Router>,
  size: number,
): boolean => (allowBatching ?? batching?.enabled ?? true) && (maxBatchSize === undefined || size <= maxBatchSize);

const isOfType = (
  procedures: (AnyTRPCProcedure | undefined)[],
  type: AnyTRPCProcedure["_def"]["type"],
): procedures is AnyTRPCProcedure[] => procedures.every((each) => each?._def.type === type);

/** What a client sent for each call, parsed when the first asks: a call that is refused before costs no parsing. */
const inputsOf = ({ _def: { _config } }: AnyTRPCRouter, text: string | null, batchSize: number | null) => {
  const deserialize = (sent: unknown): unknown => _config.transformer.input.deserialize(sent);
  let known: readonly unknown[] | undefined;
  let failure: TRPCError | undefined;

  const parse = (): readonly unknown[] => {
    const sent: unknown = text ? JSON.parse(text) : undefined;
    if (sent === undefined) return [];
    if (batchSize === null) return [deserialize(sent)];
    if (typeof sent !== "object" || sent === null || Array.isArray(sent)) {
      throw new TRPCError({
        code: "BAD_REQUEST",
        message: '"input" needs to be an object when doing a batch call',
      });
    }
    return Array.from({ length: batchSize }, (_, index) => {
      const input = (sent as Record<number, unknown>)[index];
      return input === undefined ? undefined : deserialize(input);
    });
  };

  return {
    read(): readonly unknown[] {
      if (failure) throw failure;
      try {
        known ??= parse();
        return known;
      } catch (cause) {
        failure = asBadRequest(cause);
        throw failure;
      }
    },
    known: () => known,
  };
};

const asBadRequest = (cause: unknown): TRPCError =>
  cause instanceof TRPCError
    ? cause
    : new TRPCError({
        code: "BAD_REQUEST",
        message: cause instanceof Error ? cause.message : "Invalid input",
        cause,
      });
