// The files for deployments: each is valid for its tool, starts a server that accepts its settings, gives it time to stop, and
// names metrics that exist.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parser } from "@prometheus-io/lezer-promql";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { Deployment } from "kubernetes-models/apps/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { contract } from "../packages/contract/src/index.ts";
import { loadConfig } from "../packages/server/src/config.ts";
import { createMetrics } from "../packages/server/src/metrics.ts";
import { repository } from "./working-copy.ts";

const read = (file: string) => readFileSync(join(repository, file), "utf8");

const secrets = { SECRET: "s-of-the-tests-yWq8Lr2NvT0xKp1Zd-4h", PEPPER: "p-of-the-tests-yWq8Lr2NvT0xKp1Zd-7k" };
const productionWith = (settings: Record<string, string>) =>
  loadConfig({ NODE_ENV: "production", ...secrets, ...settings }, repository);

/** How long a server takes to stop at most, by its defaults in production. */
const { shutdown } = productionWith({ PUBLIC_URL: "https://api.example.com", TRUST_PROXY: "off", MAIL: "off" });
const stoppingSeconds = shutdown.delaySeconds + shutdown.timeoutSeconds + 1;

describe("the Dockerfile", () => {
  const dockerfile = read("Dockerfile");

  test("is valid", () => {
    expect(validate(dockerfile).map(({ message }) => message)).toEqual([]);
  });

  test("ends in an image without a shell, for a user who is not root", () => {
    const image = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(image).toMatch(/^\nFROM scratch\n/);
    expect(image).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });

  test.each([
    [200, 0],
    [503, 1],
  ])("has a health check that ends with the right code when /readyz answers %i", async (status, code) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const command: string[] = JSON.parse(/HEALTHCHECK[^[]*(\[.*\])/.exec(dockerfile)?.[1] ?? "[]");
    const check = spawn(process.execPath, command.slice(1), {
      env: { PORT: String((server.address() as AddressInfo).port) },
    });
    expect(await once(check, "exit")).toEqual([code, null]);
    expect(asked).toEqual(["/readyz"]);
    server.close();
  });
});

describe("compose.yaml", () => {
  interface Services {
    readonly [name: string]: {
      readonly environment: Record<string, string>;
      readonly read_only: boolean;
      readonly stop_grace_period: string;
    };
  }
  const { services } = parse(read("compose.yaml"), { merge: true }) as { services: Services };
  const servers = Object.entries(services).filter(([name]) => name.startsWith("server-"));

  test("is valid", () => {
    // Everybody may reach the proxy.
    const rules = { "no-unbound-port-interfaces": 0 } as const;
    const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
    const [result] = linter.lintFiles([join(repository, "compose.yaml")], false);
    // Warnings are about the order of keys.
    expect(result?.messages.filter(({ type }: { type: string }) => type === "error")).toEqual([]);
  });

  test("starts two servers that accept their settings, change nothing in their image, and have time to stop", () => {
    const makeSecrets = /^for name in SECRET .*$/m.exec(read("docs/deploy.md"))?.[0] ?? "false";
    const dotEnv = parseEnv(execFileSync("sh", ["-c", makeSecrets.replace(/ > \.env$/, "")], { encoding: "utf8" }));
    expect(servers).toHaveLength(2);
    for (const [, server] of servers) {
      const settings = Object.entries(server.environment).map(([name, value]) => [
        name,
        value.replaceAll(/\$\{(\w+)(?::-([^}]*)|[^}]*)\}/g, (_, variable, otherwise) => otherwise ?? dotEnv[variable]),
      ]);
      expect(productionWith(Object.fromEntries(settings))).toMatchObject({ publicUrl: "https://localhost" });
      expect(server.read_only).toBe(true);
      expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThanOrEqual(stoppingSeconds);
    }
  });
});

describe("the example for Kubernetes", () => {
  const documents = parseAllDocuments(read("deploy/kubernetes.yaml")).map((document) => document.toJS());
  const kinds = { ConfigMap, Deployment, PodDisruptionBudget, Service };
  const find = (kind: keyof typeof kinds) => documents.find((document) => document.kind === kind);

  test.each(documents.map((document) => [document.kind as keyof typeof kinds, document] as const))(
    "has a valid %s",
    (kind, document) => {
      expect(() => new kinds[kind](document).validate()).not.toThrow();
    },
  );

  test("starts servers that accept their settings, change nothing in their image, and have time to stop", () => {
    expect(productionWith({ ...find("ConfigMap").data, MAIL_URL: "smtp://mail.example.com" })).toMatchObject({
      publicUrl: "https://api.example.com",
    });
    const { spec } = find("Deployment").spec.template;
    expect(spec.securityContext.runAsNonRoot).toBe(true);
    expect(spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(stoppingSeconds);
  });

  test("stops sending calls before a server refuses them", () => {
    const [{ readinessProbe }] = find("Deployment").spec.template.spec.containers;
    expect(readinessProbe.httpGet.path).toBe("/readyz");
    expect(readinessProbe.periodSeconds * readinessProbe.failureThreshold).toBeLessThan(shutdown.delaySeconds);
  });
});

test("the service of systemd has time to stop", () => {
  const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(read("deploy/lockstep.service")) ?? [];
  expect(Number(seconds)).toBeGreaterThanOrEqual(stoppingSeconds);
});

describe("metrics", () => {
  /** What a server prints to which everything has happened once. */
  const printed = async () => {
    const metrics = createMetrics(contract);
    metrics.watch({
      hashing: () => ({ running: 0, waiting: 0 }),
      pool: () => ({ total: 0, idle: 0, waiting: 0 }),
      mails: async () => ({ waiting: 0, oldestSeconds: 0 }),
    });
    for (const code of ["OK", "INTERNAL", "UNAVAILABLE"]) metrics.observeCall("user.me").end(code);
    for (const outcome of ["done", "refused"] as const) metrics.countAudit({ action: "sign_in", outcome });
    metrics.countAudit({ action: "session.reuse" });
    for (const outcome of ["sent", "delayed", "given_up"] as const) metrics.countMail({ outcome });
    const text = await metrics.print();
    return [...text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, name, labels = ""]) => ({
      name,
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value])),
    }));
  };

  interface Selector {
    name: string;
    readonly matchers: { label: string; operator: string; value: string }[];
  }

  /** Labels that Prometheus adds to what it scrapes. */
  const added = ["job", "instance"];

  /** The series that an expression reads. @throws Error when it is not PromQL */
  const selectorsOf = (expression: string): Selector[] => {
    const text = expression.replaceAll("$__rate_interval", "5m");
    const selectors: Selector[] = [];
    parser.parse(text).iterate({
      enter({ name, type, from, to, node }) {
        if (type.isError) throw new Error(`Not PromQL at ${from}: ${text}`);
        if (name === "VectorSelector") {
          const metric = node.getChild("Identifier");
          selectors.push({ name: metric ? text.slice(metric.from, metric.to) : "", matchers: [] });
        }
        if (name === "UnquotedLabelMatcher") {
          const [, label = "", operator = "", value = ""] = /^(\w+)\s*(\W+)"(.*)"$/.exec(text.slice(from, to)) ?? [];
          if (!added.includes(label)) selectors.at(-1)?.matchers.push({ label, operator, value });
        }
      },
    });
    return selectors;
  };

  const alerts = (parse(read("deploy/prometheus-alerts.yaml")).groups as { rules: { expr: string }[] }[]).flatMap(
    ({ rules }) => rules.map(({ expr }) => expr),
  );
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(read("deploy/grafana-dashboard.json"));
  const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  test.each([...alerts, ...shown])("%s reads what servers print", async (expression) => {
    const samples = await printed();
    const selectors = selectorsOf(expression);
    expect(selectors).not.toEqual([]);
    const unknown = selectors.filter(
      ({ name, matchers }) =>
        name !== "up" &&
        !samples.some(
          (sample) =>
            sample.name === name &&
            matchers.every(({ label, operator, value }) =>
              operator === "=" ? sample.labels[label] === value : label in sample.labels,
            ),
        ),
    );
    expect(unknown).toEqual([]);
  });

  test("that Lockstep defines are all on the dashboard", async () => {
    const own = (await printed()).map(({ name }) => name).filter((name) => name?.startsWith("lockstep_"));
    const read = shown.flatMap(selectorsOf).map(({ name }) => name.replace(/_bucket$/, ""));
    expect(
      [...new Set(own)]
        .map((name) => name?.replace(/_(bucket|sum|count)$/, ""))
        .filter((name) => name && !read.includes(name)),
    ).toEqual([]);
  });
});
