// Owns an OpenTelemetry collector for tests: a real HTTP server on a free port that keeps the spans it receives.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TracesSettings } from "../src/traces-settings.ts";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1: internal, 2: server, 3: client */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2: error */
  readonly status: { readonly code?: number };
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, "attributes"> & { readonly attributes: readonly Attribute[] })[];
    }[];
  }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

const recordOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

/** @param answer `hang`: requests are received, and never answered */
export const startCollector = async (answer: number | "hang" = 200) => {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const requests: { url: string | undefined; headers: Record<string, unknown> }[] = [];
  const services = new Set<unknown>();
  const state = { answer };
  const waiting = new Set<() => void>();

  const server = createServer(async (request, response) => {
    const body = await text(request);
    bodies.push(body);
    requests.push({ url: request.url, headers: request.headers });
    if (state.answer === 200) {
      for (const { resource, scopeSpans } of (JSON.parse(body) as ExportRequest).resourceSpans) {
        services.add(recordOf(resource.attributes)["service.name"]);
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({ ...span, attributes: recordOf(span.attributes) });
      }
    }
    for (const wake of waiting) wake();
    if (state.answer !== "hang") response.writeHead(state.answer, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  /** Resolves when it is true, which is looked at after each batch. */
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue())
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
  };

  return {
    state,
    spans,
    /** All that it was sent, as text. */
    bodies,
    requests,
    services,
    until,
    /** The settings of a server that sends its traces here. */
    settings: {
      url: `http://127.0.0.1:${port}/v1/traces`,
      headers: {},
      serviceName: null,
      sampler: { name: "parentbased_always_on", ratio: 1 },
    } as TracesSettings,
    named: (name: string) => spans.filter((span) => span.name === name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export type Collector = Awaited<ReturnType<typeof startCollector>>;
