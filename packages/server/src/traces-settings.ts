// Owns the settings of traces: the standard variables of OpenTelemetry.
// @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

import { z } from "zod";

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

export interface TracesSettings {
  /** Where spans are posted to: `/v1/traces` of the collector. */
  readonly url: string;
  /** Secret: they often have a key. */
  readonly headers: Readonly<Record<string, string>>;
  /** `null`: the product's name. */
  readonly serviceName: string | null;
  readonly sampler: { readonly name: (typeof samplers)[number]; readonly ratio: number };
}

/** The setting `OTEL_EXPORTER_OTLP_HEADERS`: `name=value`, separated by commas, percent-encoded. */
const Headers = z.string().transform((text, context): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const pair of text.split(",").filter((each) => each.trim() !== "")) {
    const [, name, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    const decoded = headerValue(value);
    if (name === undefined || decoded === null) {
      // Never print the value: it contains a key.
      context.addIssue("must be names and values, such as authorization=Bearer%20…, separated by commas");
      return z.NEVER;
    }
    headers[name] = decoded;
  }
  return headers;
});

/** `null`: not a value of a header. */
const headerValue = (value = ""): string | null => {
  try {
    const text = decodeURIComponent(value);
    return /^[\t\x20-\x7e]+$/.test(text) ? text : null;
  } catch {
    return null;
  }
};

/** The settings, by variable. */
export const tracesEnvironment = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be a URL such as http://localhost:4318" })
    .optional()
    .describe(
      "Address of an OpenTelemetry collector, which gets the traces at `/v1/traces`. Without it, nothing is traced ([deploy.md](deploy.md#traces)).",
    ),
  OTEL_EXPORTER_OTLP_HEADERS: Headers.default({}).describe(
    "Headers for the collector, such as `authorization=Bearer%20…`, separated by commas.",
  ),
  OTEL_SERVICE_NAME: z.string().optional().describe("Name of this service in traces. Default: the product's name."),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers, { error: `must be one of ${samplers.join(", ")}` })
    .default("parentbased_always_on")
    .describe(
      `Which traces are kept: ${samplers.map((name) => `\`${name}\``).join(", ")}. \`parentbased\`: as the caller's \`traceparent\` says, if it has one.`,
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number({ error: "must be a number from 0 to 1" })
    .min(0)
    .max(1)
    .default(1)
    .describe("The part of the traces that `traceidratio` keeps, from 0 to 1."),
};

/** `null`: nothing is traced. */
export const tracesSettingsOf = (e: z.output<z.ZodObject<typeof tracesEnvironment>>): TracesSettings | null =>
  e.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
    ? null
    : {
        url: `${e.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/$/, "")}/v1/traces`,
        headers: e.OTEL_EXPORTER_OTLP_HEADERS,
        serviceName: e.OTEL_SERVICE_NAME ?? null,
        sampler: { name: e.OTEL_TRACES_SAMPLER, ratio: e.OTEL_TRACES_SAMPLER_ARG },
      };
