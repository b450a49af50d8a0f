// Owns the presentation of figures: a row for each, with the median and range of the rounds, the target, and whether it
// was met.

/** A lower or upper limit for a figure: `≥ 0.5`, `≤ 3`. */
export type Target = `${"≥" | "≤"} ${number}`;

/** One figure, with a value for each round. */
export interface Figure {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
  readonly target?: Target | undefined;
  /** Whether the chart has a bar for it. */
  readonly bar?: boolean;
}

export interface Table {
  readonly title: string;
  readonly figures: readonly Figure[];
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The quantile of `values` at `share`, interpolated. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
};

/** The ratio of each round. */
export const ratios = (values: readonly number[], others: readonly number[]): number[] =>
  values.map((value, round) => value / (others[round] ?? Number.NaN));

/** Whether the median meets the target. Empty without a target. */
export const verdict = ({ values, target }: Figure): string => {
  if (target === undefined) return "";
  const [sign, limit] = [target.slice(0, 1), Number(target.slice(2))];
  const value = median(values);
  if (Number.isNaN(value)) return "unknown";
  return (sign === "≥" ? value >= limit : value <= limit) ? "met" : "missed";
};

/** The table in Markdown. */
export const markdownOf = ({ title, figures }: Table): string => {
  const lines = [`## ${title}`, "", "| figure | median | range | target | |", "|---|---|---|---|---|"];
  for (const figure of figures) {
    const { name, values, digits = 0, target = "" } = figure;
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
    const range = values.length > 1 ? `${low}–${high}` : "one";
    lines.push(`| ${name} | ${median(values).toFixed(digits)} | ${range} | ${target} | ${verdict(figure)} |`);
  }
  return `${lines.join("\n")}\n`;
};
