// Owns the traces: their spans, names and attributes, and how they are sent to a collector (OTLP over HTTP). Loaded only
// when a collector is configured. A name or attribute comes from the contract, the routes, the tables or the settings:
// never from what a caller sent, except the ID of the caller's trace.
// @see https://opentelemetry.io/docs/specs/semconv/

import {
  type Attributes,
  type Context,
  context as globalContext,
  isValidSpanId,
  isValidTraceId,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import {
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_NAME,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
} from "@opentelemetry/semantic-conventions";
import type { ObserveStatement } from "./db/observed-dialect.ts";
import type { ObserveSending } from "./domain/mail/smtp.ts";
import type { ObserveOutbound } from "./outbound.ts";
import type { ObserveCall } from "./rpc/observed.ts";
import type { TracesSettings } from "./traces-settings.ts";

export interface TracesOptions {
  readonly settings: TracesSettings;
  /** The name of the service, unless the settings have one. */
  readonly productName: string;
  /** Called when spans cannot be sent, and again when they can: once each, however long it lasts. */
  readonly report: (reason: string | null) => void;
  readonly limits: TracesLimits;
}

export interface TracesLimits {
  /** The longest time that a span waits to be sent, in a batch. */
  readonly delayMs: number;
  /** How long sending a batch may take, with all of its attempts. */
  readonly sendMs: number;
  /** How long the last batches may take when the server shuts down. */
  readonly shutdownMs: number;
}

/** A request that is being answered. */
export interface TracedRequest {
  readonly traceId: string;
  /** Runs the handler of the request. */
  within<T>(work: () => T): T;
  /** `null`: the client left before it was answered. */
  end(status: number | null): void;
}

export interface IncomingRequest {
  readonly method: string;
  /** The path of the route, with the names of its parameters. `null`: there is none. */
  readonly route: string | null;
  readonly traceparent: string | undefined;
}

export type Traces = ReturnType<typeof createTraces>;

export const createTraces = ({ settings, productName, report, limits }: TracesOptions) => {
  const contexts = new AsyncLocalStorageContextManager().enable();
  const exporter = new OTLPTraceExporter({
    url: settings.url,
    headers: { ...settings.headers },
    timeoutMillis: limits.sendMs,
  });
  const provider = new TracerProvider({
    sampler: samplerOf(settings.sampler),
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: settings.serviceName ?? productName }),
    // It keeps 2048 spans at most, and drops what comes while they wait.
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(exporter, report),
        scheduledDelayMillis: limits.delayMs,
        exportTimeoutMillis: 2 * limits.sendMs,
      }),
    ],
  });
  const tracer = provider.getTracer("@lockstep/server");

  /** Whether what runs now belongs to a trace that was not chosen: spans in it would be made and thrown away. */
  const isUnsampled = (): boolean => trace.getSpan(contexts.active())?.isRecording() === false;

  /** Runs work as a span of what runs now. `attributesOf`: what its result adds. */
  const spanned = async <T>(
    name: string,
    attributes: Attributes,
    run: () => Promise<T>,
    attributesOf: (result: T) => Attributes = () => ({}),
  ): Promise<T> => {
    if (isUnsampled()) return run();
    const parent = contexts.active();
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
    try {
      const result = await contexts.with(trace.setSpan(parent, span), run);
      span.setAttributes(attributesOf(result));
      return result;
    } catch (error) {
      // A message may contain values.
      fail(span, error instanceof Error ? error.name : "unknown");
      throw error;
    } finally {
      span.end();
    }
  };

  const observeCall: ObserveCall = (operation) => {
    if (isUnsampled()) return unobserved;
    const parent = contexts.active();
    const span = tracer.startSpan(
      operation,
      { attributes: { [ATTR_RPC_SYSTEM_NAME]: "trpc", [ATTR_RPC_METHOD]: operation } },
      parent,
    );
    const own = trace.setSpan(parent, span);
    return {
      within: (work) => contexts.with(own, work),
      streams() {},
      end(code) {
        span.setAttribute(ATTR_RPC_STATUS_CODE, code);
        // A refusal is the caller's failure, not the server's.
        if (code === "INTERNAL" || code === "UNAVAILABLE") fail(span, code);
        else if (code !== "OK") span.setAttribute(ATTR_ERROR_TYPE, code);
        span.end();
      },
    };
  };

  /** Background work has no span, and its statements neither: there would be a trace for each. */
  const observeStatement: ObserveStatement = (statement, run) => {
    if (!trace.getSpan(contexts.active())?.isRecording()) return run();
    const { engine, kind, table } = statement;
    return spanned(
      table === null ? kind : `${kind} ${table}`,
      {
        [ATTR_DB_SYSTEM_NAME]: engine,
        [ATTR_DB_OPERATION_NAME]: kind,
        ...(table !== null && { [ATTR_DB_COLLECTION_NAME]: table }),
      },
      run,
    );
  };

  const observeOutbound: ObserveOutbound = ({ method, url }, run) =>
    spanned(
      method,
      {
        [ATTR_HTTP_REQUEST_METHOD]: method,
        ...addressOf(url.hostname, url.port, url.protocol === "https:" ? 443 : 80),
      },
      run,
      ({ status }) => ({
        [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
        ...(status >= 400 && { [ATTR_ERROR_TYPE]: String(status) }),
      }),
    );

  const observeSending: ObserveSending = ({ host, port }, run) =>
    spanned("SMTP", { [ATTR_NETWORK_PROTOCOL_NAME]: "smtp", ...addressOf(host, String(port), port) }, run);

  const beginRequest = ({ method, route, traceparent }: IncomingRequest): TracedRequest => {
    const parent = parentOf(traceparent);
    const span = tracer.startSpan(
      route === null ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: { [ATTR_HTTP_REQUEST_METHOD]: method, ...(route !== null && { [ATTR_HTTP_ROUTE]: route }) },
      },
      parent,
    );
    const own = trace.setSpan(parent, span);
    return {
      traceId: span.spanContext().traceId,
      within: (work) => contexts.with(own, work),
      end(status) {
        if (status === null) span.setAttribute(ATTR_ERROR_TYPE, "client_disconnected");
        else {
          span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
          if (status >= 500) fail(span, String(status));
        }
        span.end();
      },
    };
  };

  return {
    observeCall,
    observeStatement,
    observeOutbound,
    observeSending,
    beginRequest,

    /** A `fetch` whose requests are spans. */
    tracedFetch:
      (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
      (input, init) => {
        const url = new URL(input instanceof Request ? input.url : input);
        return observeOutbound({ method: init?.method ?? "GET", url }, () => fetch(input, init));
      },

    /** The trace of what runs now. `null`: none. */
    currentTraceId: (): string | null => trace.getSpan(contexts.active())?.spanContext().traceId ?? null,

    /** Lets the app's own code add spans with `@opentelemetry/api`. One server in a process can. */
    register(): void {
      globalContext.setGlobalContextManager(contexts);
      trace.setGlobalTracerProvider(provider);
    },

    /** Sends what waits, within the limit. Never rejects. */
    async end(): Promise<void> {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limits.shutdownMs);
      });
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
};

const unobserved: ReturnType<ObserveCall> = { within: (work) => work(), streams() {}, end() {} };

const fail = (span: Span, type: string): void => {
  span.setAttribute(ATTR_ERROR_TYPE, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
};

const addressOf = (host: string, port: string, defaultPort: number): Attributes => ({
  [ATTR_SERVER_ADDRESS]: host,
  [ATTR_SERVER_PORT]: port === "" ? defaultPort : Number(port),
});

/**
 * The caller's span. Its `tracestate` is left out: it is the caller's own text.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
const parentOf = (traceparent = ""): Context => {
  const [, version = "ff", traceId = "", spanId = "", flags = "00", more] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(traceparent.trim()) ?? [];
  // Later versions may have more fields; the first has not.
  const isKnown = version !== "ff" && (version !== "00" || more === undefined);
  if (!isKnown || !isValidTraceId(traceId) || !isValidSpanId(spanId)) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
};

const samplerOf = ({ name, ratio }: TracesSettings["sampler"]): Sampler => {
  const root = name.endsWith("traceidratio")
    ? new TraceIdRatioBasedSampler(ratio)
    : name.endsWith("always_off")
      ? new AlwaysOffSampler()
      : new AlwaysOnSampler();
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
};

/** Batches that cannot be sent are dropped, and told once. */
const reporting = (exporter: SpanExporter, report: TracesOptions["report"]): SpanExporter => {
  let failing = false;
  return {
    export(spans, settle) {
      exporter.export(spans, ({ code, error }) => {
        const failed = code !== success;
        if (failed !== failing) {
          failing = failed;
          report(failed ? reasonOf(error) : null);
        }
        settle({ code: success });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
};

/** `ExportResultCode.SUCCESS` */
const success = 0;

/** Without the answer of the collector, which may repeat what it was sent. */
const reasonOf = (error: unknown): string => {
  const { code, name } = (error ?? {}) as { readonly code?: string | number; readonly name?: string };
  return String(code ?? name ?? "unknown");
};
