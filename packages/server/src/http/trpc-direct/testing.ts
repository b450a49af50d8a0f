// Owns one router behind both adapters: the official one at `/official`, ours at `/direct`.

import { initTRPC, lazy, TRPCError } from "@trpc/server";
import { fastifyRequestHandler } from "@trpc/server/adapters/fastify";
import { octetInputParser } from "@trpc/server/http";
import Fastify, { type InjectOptions, type LightMyRequestResponse } from "fastify";
import { z } from "zod";
import type { RequestOptions } from "./calls.ts";
import { directRequestHandler } from "./request-handler.ts";

const mounts = {
  official: (options: RequestOptions) => fastifyRequestHandler(options),
  direct: (options: RequestOptions) => directRequestHandler(options),
};
export type Mount = keyof typeof mounts;

type InitOptions = Pick<
  NonNullable<Parameters<ReturnType<typeof initTRPC.context<{ name: string }>>["create"]>[0]>,
  "errorFormatter" | "sse"
>;

/** Every kind of procedure that the engine's router can have, and every way in which one can end. */
const everyProcedure = (init: InitOptions, record: (what: string) => void = () => {}) => {
  const t = initTRPC.context<{ name: string }>().create({ isDev: false, ...init });
  const { procedure } = t;
  return t.router({
    echo: procedure.input(z.unknown()).query(({ input }) => input),
    add: procedure.input(z.object({ a: z.number(), b: z.number() })).mutation(({ input }) => input.a + input.b),
    nothing: procedure.query(() => undefined),
    name: procedure.query(({ ctx }) => ctx.name),
    when: procedure.query(() => new Date(0)),
    neverReads: procedure
      .use(() => {
        throw new TRPCError({ code: "UNAUTHORIZED" });
      })
      .input(z.string())
      .query(({ input }) => input),
    wrongOutput: procedure.output(z.number()).query(() => "x" as never),
    cut: procedure.output(z.object({ a: z.string() })).query(() => ({ a: "x", b: "y" })),
    throws: t.router({
      code: procedure
        .input(z.enum(["NOT_FOUND", "CONFLICT", "TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE", "PARSE_ERROR"]))
        .query(({ input: code }) => {
          throw new TRPCError({ code, message: `failed with ${code}` });
        }),
      bug: procedure.mutation(() => {
        throw new Error("a bug");
      }),
      text: procedure.query(() => {
        throw "text";
      }),
      nothing: procedure.query(() => {
        throw null;
      }),
      own: procedure
        .errors(({ shape }) => ({ ...shape, own: true }))
        .query(() => {
          throw new TRPCError({ code: "FORBIDDEN" });
        }),
    }),
    circular: procedure.query(() => {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      return circle as never;
    }),
    stream: procedure.query(async function* () {
      yield 1;
      yield 2;
    }),
    later: procedure.query(() => ({ now: 1, later: Promise.resolve(2) })),
    ticks: procedure.input(z.unknown()).subscription(async function* ({ input }) {
      yield { input };
      yield 2;
    }),
    failing: procedure.subscription(async function* () {
      yield 1;
      throw new TRPCError({ code: "CONFLICT" });
    }),
    refused: procedure
      .use(() => {
        throw new TRPCError({ code: "UNAUTHORIZED" });
      })
      .subscription(async function* () {
        yield 1;
      }),
    unreadable: procedure.subscription(async function* () {
      yield 1n;
    }),
    broken: procedure.subscription(async function* () {
      yield 1;
      throw new DOMException("aborted", "AbortError");
    }),
    silent: procedure.subscription(async function* ({ signal }) {
      yield 1;
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      record("left");
    }),
    form: procedure.input(z.instanceof(FormData)).mutation(({ input }) => [...input.keys()]),
    bytes: procedure.input(octetInputParser).mutation(async ({ input }) => {
      let size = 0;
      for await (const chunk of input) size += chunk.length;
      return size;
    }),
    waits: procedure.mutation(async ({ signal }) => {
      record("waiting");
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      record("aborted");
    }),
    late: lazy(async () => ({ default: t.router({ echo: procedure.input(z.unknown()).query(({ input }) => input) }) })),
  });
};

export type EveryRouter = ReturnType<typeof everyProcedure>;

export type Options = Partial<Pick<RequestOptions, "createContext" | "responseMeta" | "maxBatchSize">>;

/**
 * An app with such a router behind each adapter; one router for each, because lazy parts are loaded once. `send`
 * returns the answer over one of them, and the arguments of its hooks.
 */
export const bothAdapters = (init: InitOptions = {}, options: Options = {}, record?: (what: string) => void) => {
  const app = Fastify({ bodyLimit: 10_000, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => done(null, body));
  for (const type of ["multipart/form-data", "application/octet-stream"]) {
    app.addContentTypeParser(type, (_request, body, done) => done(null, body));
  }
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("x-before", "1").header("set-cookie", "before=1");
  });

  const heard: string[] = [];
  const hear = (hook: string, what: unknown) => void heard.push(`${hook} ${JSON.stringify(what)}`);
  for (const [mount, handle] of Object.entries(mounts)) {
    const router = everyProcedure(init, record);
    app.all<{ Params: { path: string } }>(`/${mount}/:path`, (req, res) =>
      handle({
        ...options,
        req,
        res,
        path: req.params.path,
        router,
        createContext(given) {
          // The direct adapter leaves the URL out.
          const { calls, url: _, signal, ...info } = given.info;
          hear("createContext", {
            ...info,
            aborted: signal.aborted,
            calls: calls.map(({ path, batchIndex, procedure }) => [path, batchIndex, procedure?._def.type]),
            given: [given.req === req, given.res === res],
          });
          return options.createContext ? options.createContext(given) : { name: "somebody" };
        },
        responseMeta(given) {
          const { data, errors, paths, type, eagerGeneration, ctx, info } = given;
          const codes = errors.map(({ code }) => code);
          hear("responseMeta", { data: shown(data), codes, paths, type, eagerGeneration, ctx, info: info?.type });
          return options.responseMeta?.(given) ?? {};
        },
        onError(given) {
          // The direct adapter leaves the input out.
          const { error, ctx, path, type } = given;
          const { code, message, cause } = error;
          hear("onError", { code, message, cause: cause?.message, ctx, path, type, req: given.req === req });
        },
      }),
    );
  }

  let byFastify = false;
  app.addHook("onSend", async () => {
    byFastify = true;
  });
  const send = async (mount: Mount, { path, ...request }: { path: string } & Omit<InjectOptions, "path" | "url">) => {
    heard.length = 0;
    byFastify = false;
    const { statusCode, headers, body } = await app.inject({ ...request, url: `/${mount}/${path}` }).catch(brokenOff);
    // Framing is not compared: the official adapter sends every answer in chunks.
    const { date, connection, "content-length": length, "transfer-encoding": chunked, ...rest } = headers;
    // Sorted: which of several calls fails first is not defined.
    return {
      direct: length !== undefined || !byFastify,
      answer: { statusCode, headers: rest, body, heard: heard.toSorted() },
    };
  };
  return { app, send };
};

/** The answer of a stream that fails in its middle. */
const brokenOff = (
  error: Error & { code?: string },
): Pick<LightMyRequestResponse, "statusCode" | "headers" | "body"> => {
  if (error.code !== "LIGHT_ECONNRESET") throw error;
  return { statusCode: 0, headers: {}, body: "broken off" };
};

/** `data` can have values that JSON cannot express. */
const shown = (data: unknown): string => {
  try {
    return JSON.stringify(data);
  } catch (error) {
    return String(error);
  }
};
