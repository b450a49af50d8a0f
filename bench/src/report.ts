// Owns how figures are told: a row for each, the median of the rounds and their range, and whether it is what it
// must be.

/** What a ratio, or a size, must be: `≥ 0.5`, `≤ 3`. */
export type Target = `${"≥" | "≤"} ${number}`;

/** One figure: what it is of, and what each round gave. */
export interface Figure {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
  /** For those that have one. */
  readonly target?: Target | undefined;
  /** Whether it is a bar of the chart. */
  readonly bar?: boolean;
}

export interface Table {
  readonly title: string;
  readonly figures: readonly Figure[];
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value that this share of all is not above. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
};

/** Of each round, how the one is to the other. */
export const ratios = (values: readonly number[], others: readonly number[]): number[] =>
  values.map((value, round) => value / (others[round] ?? Number.NaN));

/** How far a median is from its target; `""` for those that have none. */
export const verdict = ({ values, target }: Figure): string => {
  if (target === undefined) return "";
  const [sign, limit] = [target.slice(0, 1), Number(target.slice(2))];
  const value = median(values);
  if (Number.isNaN(value)) return "not known here";
  return (sign === "≥" ? value >= limit : value <= limit) ? "met" : "missed";
};

/** A table in Markdown. */
export const markdownOf = ({ title, figures }: Table): string => {
  const lines = [`## ${title}`, "", "| what | median | range | target | |", "|---|---|---|---|---|"];
  for (const figure of figures) {
    const { name, values, digits = 0, target = "" } = figure;
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
    const range = values.length > 1 ? `${low}–${high}` : "one";
    lines.push(`| ${name} | ${median(values).toFixed(digits)} | ${range} | ${target} | ${verdict(figure)} |`);
  }
  return `${lines.join("\n")}\n`;
};
