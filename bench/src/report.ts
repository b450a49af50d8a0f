// Owns how figures are told: a row for each, the median of the rounds and their range.

/** One figure: what it is of, and what each round gave. */
export interface Figure {
  readonly name: string;
  readonly values: readonly number[];
  readonly digits?: number;
  /** What a ratio must reach, for those that must. */
  readonly target?: string;
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

export const printTable = (title: string, figures: readonly Figure[]) => {
  const lines = [`## ${title}`, "", "| what | median | range | target |", "|---|---|---|---|"];
  for (const { name, values, digits = 0, target = "" } of figures) {
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
    lines.push(`| ${name} | ${median(values).toFixed(digits)} | ${low}–${high} | ${target} |`);
  }
  process.stdout.write(`${lines.join("\n")}\n\n`);
};
