// Owns the stored results: Markdown tables with the date and the kind of machine, and a chart.

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { loadGenerator } from "./load.ts";
import { markdownOf, median, type Table } from "./report.ts";

const directory = join(import.meta.dirname, "../results");

/** The kind of machine, without its name. */
export const describeMachine = () => {
  const [model = "an unknown processor"] = cpus().map((cpu) => cpu.model.trim());
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GB`;
  return `${availableParallelism()} cores of ${model}, ${memory}, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
};

/** The load average before the run: other load affects every figure. */
export const loadBefore = loadavg()[0] ?? 0;

export const writeResults = (tables: readonly Table[], date: Date) => {
  const day = date.toISOString().slice(0, 10);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "latest.md"),
    [
      "# Results of `npm run bench`\n",
      `${day}. ${describeMachine()}; load by ${loadGenerator}; load average before: ${loadBefore.toFixed(1)}.`,
      "Medians and ranges of the rounds. Only ratios are meaningful: absolute figures depend on the machine and the moment.\n",
      "![Calls of user.me per second](user-me.svg)\n",
      ...tables.map(markdownOf),
    ].join("\n"),
  );
  writeFileSync(join(directory, "user-me.svg"), chartOf(tables, day));
};

const chart = { width: 820, rowHeight: 30, labelWidth: 340, barWidth: 390, top: 46 };

/** A bar chart of the figures with `bar`. Lockstep's bars have another colour. */
const chartOf = (tables: readonly Table[], day: string): string => {
  const bars = tables
    .flatMap(({ figures }) => figures)
    .filter(({ bar }) => bar)
    .map(({ name, values }) => ({ name: name.replace(/, calls\/s$/, ""), value: median(values) }))
    .sort((a, b) => b.value - a.value);
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ name, value }, row) => {
    const y = chart.top + row * chart.rowHeight;
    const width = Math.max(1, Math.round((value / most) * chart.barWidth));
    const fill = name.startsWith("Lockstep") ? "#2f6feb" : "#9aa4b2";
    return `  <text x="${chart.labelWidth - 10}" y="${y + 15}" text-anchor="end">${escaped(name)}</text>
  <rect x="${chart.labelWidth}" y="${y}" width="${width}" height="20" rx="2" fill="${fill}"/>
  <text x="${chart.labelWidth + width + 8}" y="${y + 15}">${Math.round(value).toLocaleString("en")}</text>`;
  });
  const height = chart.top + bars.length * chart.rowHeight + 10;
  const title = `user.me, calls per second: token verified, session and user read (${day})`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${chart.width} ${height}" role="img" aria-label="${title}">
  <style>text { font: 13px system-ui, sans-serif; fill: #6b7280 } .title { font-weight: 600 }</style>
  <text class="title" x="10" y="24">${title}</text>
${rows.join("\n")}
</svg>
`;
};

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
