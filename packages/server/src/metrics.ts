// Owns the metrics: their names, and what their labels can be. All labels are from closed lists, such as the operations
// of the contract, so that no caller can make the server remember anything (row 117 of the security requirements).
// Who may read them: `http/metrics.ts`.

import { type AnyContract, engineErrors, operationsOf } from "@lockstep/kit";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { auditActions, type NewAuditEntry } from "./domain/kernel/audit.ts";
import type { MailOutcome } from "./domain/mail/dispatcher.ts";
import type { ObserveCall } from "./rpc/observed.ts";

/** Read at each collection. */
export interface MeasuredState {
  /** Passwords that are hashed now, and that wait. */
  hashing(): { readonly running: number; readonly waiting: number };
  /** Connections to PostgreSQL. `null`: there is no pool. */
  pool(): { readonly total: number; readonly idle: number; readonly waiting: number } | null;
  /** Mails that are to be sent. Rejects when the database does not answer. */
  mails(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }>;
}

/** The metrics of one process. */
export type CollectedMetrics = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

export type Metrics = ReturnType<typeof createMetrics>;

/** Upper bounds, in seconds. */
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export const createMetrics = (contract: AnyContract) => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const calls = new Counter({
    name: "lockstep_calls_total",
    help: "Calls that have ended, by operation and error code. OK: the call succeeded.",
    labelNames: ["operation", "code"],
    registers,
  });
  const callSeconds = new Histogram({
    name: "lockstep_call_duration_seconds",
    help: "How long calls took, without subscriptions.",
    labelNames: ["operation"],
    buckets: durations,
    registers,
  });
  const streams = new Gauge({
    name: "lockstep_streams",
    help: "Open subscriptions.",
    labelNames: ["operation"],
    registers,
  });
  const audited = new Counter({
    name: "lockstep_audit_entries_total",
    help: "Entries of the audit log, such as sign_in, refused or done, and session.reuse: a refresh token came back. An app's own are `app`.",
    labelNames: ["action", "outcome"],
    registers,
  });
  const mails = new Counter({
    name: "lockstep_mails_total",
    help: "Attempts to send a mail, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const deleted = new Counter({
    name: "lockstep_upkeep_deleted_rows_total",
    help: "Rows that clean-up has deleted.",
    registers,
  });
  const upkeepFailures = new Counter({
    name: "lockstep_upkeep_failures_total",
    help: "Runs of background work that failed.",
    registers,
  });

  const codes: ReadonlySet<string> = new Set(["OK", ...Object.keys(engineErrors), ...Object.keys(contract.errors)]);
  const actions: ReadonlySet<string> = new Set(auditActions);
  /** Looking up labels takes longer than counting. */
  const countersOf = new Map(
    [...operationsOf(contract.operations)].map(([operation]) => [
      operation,
      {
        seconds: callSeconds.labels({ operation }),
        open: streams.labels({ operation }),
        byCode: new Map<string, Counter.Internal>(),
      },
    ]),
  );
  for (const [operation, { kind }] of operationsOf(contract.operations))
    if (kind === "subscription") streams.set({ operation }, 0);

  const observeCall: ObserveCall = (operation) => {
    const counters = countersOf.get(operation);
    if (!counters) throw new Error(`The contract has no operation ${operation}`);
    const beganAt = performance.now();
    let streaming = false;
    return {
      within: (work) => work(),
      streams() {
        streaming = true;
        counters.open.inc();
      },
      end(code) {
        const label = codes.has(code) ? code : "INTERNAL";
        const counter = counters.byCode.get(label) ?? calls.labels({ operation, code: label });
        counters.byCode.set(label, counter);
        counter.inc();
        if (streaming) counters.open.dec();
        else counters.seconds.observe((performance.now() - beganAt) / 1000);
      },
    };
  };

  return {
    observeCall,

    countAudit({ action, outcome = "done" }: Pick<NewAuditEntry, "outcome"> & { readonly action: string }): void {
      audited.inc({ action: actions.has(action) ? action : "app", outcome });
    },

    countMail: ({ outcome }: Pick<MailOutcome, "outcome">): void => mails.inc({ outcome }),

    countDeleted: (rows: number): void => deleted.inc(rows),

    countUpkeepFailure: (): void => upkeepFailures.inc(),

    /** Adds what is read at each collection. Call it once. */
    watch(state: MeasuredState): void {
      new Gauge({
        name: "lockstep_hashing",
        help: "Passwords that are hashed now (running), and that wait for it.",
        labelNames: ["state"],
        registers,
        collect() {
          for (const [label, value] of Object.entries(state.hashing())) this.set({ state: label }, value);
        },
      });
      new Gauge({
        name: "lockstep_database_connections",
        help: "Connections to PostgreSQL: all of them (total), those without work (idle), and calls that wait for one.",
        labelNames: ["state"],
        registers,
        collect() {
          for (const [label, value] of Object.entries(state.pool() ?? {})) this.set({ state: label }, value);
        },
      });
      const oldest = new Gauge({
        name: "lockstep_mails_oldest_seconds",
        help: "The age of the oldest mail that is to be sent. 0: there is none.",
        // Every process reads the same.
        aggregator: "max",
        registers,
      });
      new Gauge({
        name: "lockstep_mails_waiting",
        help: "Mails that are to be sent, of all servers. NaN: the database does not answer.",
        aggregator: "max",
        registers,
        async collect() {
          const { waiting, oldestSeconds } = await state
            .mails()
            .catch(() => ({ waiting: Number.NaN, oldestSeconds: Number.NaN }));
          this.set(waiting);
          oldest.set(oldestSeconds);
        },
      });
    },

    contentType: registry.contentType,

    /** All metrics in Prometheus's text format. */
    print: (): Promise<string> => registry.metrics(),

    /** All metrics as values, to be added to those of other processes. */
    collect: (): Promise<CollectedMetrics> => registry.getMetricsAsJSON(),
  };
};
