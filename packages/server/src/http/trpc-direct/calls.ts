// Owns which requests the direct adapter handles, and the calls in them: queries and mutations as JSON, batches of
// either, and single subscriptions, of known procedures, with the HTTP method that these accept. The official adapter
// gets the rest.

import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from "@trpc/server";
import type { FastifyHandlerOptions } from "@trpc/server/adapters/fastify";
import type { TRPCRequestInfo } from "@trpc/server/http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { writesAll } from "./event-stream.ts";

type OfficialOptions = FastifyHandlerOptions<AnyTRPCRouter, FastifyRequest, FastifyReply>;

/** The options of the official `fastifyRequestHandler` that the engine uses. */
export type RequestOptions = Pick<OfficialOptions, "maxBatchSize" | "createContext" | "onError"> & {
  readonly req: FastifyRequest;
  readonly res: FastifyReply;
  readonly path: string;
  /** Without a transformer. */
  readonly router: AnyTRPCRouter;
  /** Adds headers to an answer, with names in lower case. */
  readonly responseMeta?: (known: Parameters<NonNullable<OfficialOptions["responseMeta"]>>[0]) => {
    readonly headers?: Record<string, string>;
  };
};

export type Call = TRPCRequestInfo["calls"][number] & { readonly procedure: AnyTRPCProcedure };

export interface Calls extends TRPCRequestInfo {
  readonly type: "query" | "mutation" | "subscription";
  readonly calls: Call[];
}

/**
 * Reads the calls of a request. `null`: they are for the official adapter, which can still read all of the request.
 * Hooks do not get its `url` and the inputs that were read (`result`): the engine's hooks do not use them.
 */
export const readCalls = ({ req, path, router, maxBatchSize }: RequestOptions, signal: AbortSignal): Calls | null => {
  const { method, url = "" } = req.raw;
  if (!isPlainRequest(req) || !plainTarget.test(url) || path.includes("%")) return null;
  const query = url.indexOf("?");
  const parameters = query < 0 ? noParameters : new URLSearchParams(url.slice(query));
  if (parameters.has("connectionParams")) return null;

  const isBatchCall = parameters.get("batch") === "1";
  const paths = isBatchCall ? path.split(",") : [path];
  if (isBatchCall && maxBatchSize !== undefined && paths.length > maxBatchSize) return null;

  const procedures = paths.map((each): AnyTRPCProcedure | undefined => router._def.procedures[each]);
  const type = procedures[0]?._def.type;
  if (type === undefined || !isOfType(procedures, type)) return null;
  if (method !== (type === "mutation" ? "POST" : "GET")) return null;
  if (type === "subscription" && (isBatchCall || resumes(req, parameters) || !writesAll(router._def._config.sse)))
    return null;

  const readInputs = inputsOf(method === "GET" ? parameters.get("input") : (req.body as string), isBatchCall);
  const calls = procedures.map((procedure, batchIndex) => ({
    path: paths[batchIndex] as string,
    procedure,
    batchIndex,
    getRawInput: async () => readInputs(batchIndex),
    result: () => undefined,
  }));
  return { isBatchCall, accept: null, type, calls, connectionParams: null, signal, url: null };
};

/** A GET without a body, or a POST whose JSON was read as text, that asks for no streamed batch. */
const isPlainRequest = ({ raw: { method, headers }, body }: FastifyRequest): boolean => {
  const contentType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  const isJson = contentType === "application/json";
  const hasPlainBody =
    method === "GET" ? isJson || contentType === undefined : method === "POST" && isJson && typeof body === "string";
  return hasPlainBody && headers["trpc-accept"] === undefined && !headers.accept?.includes("application/jsonl");
};

/** Matches a path that no URL parser reads as a host, of ASCII only and without a fragment. */
const plainTarget = /^\/(?![/\\])[!"$-~]*$/;

const noParameters = new URLSearchParams();

/** Whether a client asks for the events after the last one that it received. */
const resumes = ({ raw: { headers } }: FastifyRequest, parameters: URLSearchParams): boolean =>
  headers["last-event-id"] !== undefined || parameters.has("lastEventId") || parameters.has("Last-Event-Id");

const isOfType = (
  procedures: (AnyTRPCProcedure | undefined)[],
  type: AnyTRPCProcedure["_def"]["type"],
): procedures is AnyTRPCProcedure[] => procedures.every((each) => each?._def.type === type);

/**
 * The input of each call. The text is parsed once, when the first input is read; a call that is refused before reads
 * none.
 */
const inputsOf = (text: string | null, isBatchCall: boolean) => {
  let inputs: Readonly<Record<number, unknown>> | undefined;
  return (index: number): unknown => {
    inputs ??= parseInputs(text, isBatchCall);
    return inputs[index];
  };
};

/** @throws TRPCError */
const parseInputs = (text: string | null, isBatchCall: boolean): Readonly<Record<number, unknown>> => {
  if (!text) return [];
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch (cause) {
    throw new TRPCError({ code: "BAD_REQUEST", message: (cause as SyntaxError).message, cause });
  }
  if (!isBatchCall) return [sent];
  if (typeof sent === "object" && sent !== null && !Array.isArray(sent))
    return sent as Readonly<Record<number, unknown>>;
  throw new TRPCError({ code: "BAD_REQUEST", message: '"input" needs to be an object when doing a batch call' });
};
