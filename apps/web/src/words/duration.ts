// Owns how a span of time is told.

const units = [
  ["day", 24 * 60 * 60],
  ["hour", 60 * 60],
  ["minute", 60],
  ["second", 1],
] as const;

/** "14 days": in the largest unit that fits, rounded down. */
export const durationOf = (seconds: number): string => {
  const [unit, length] = units.find(([, unitSeconds]) => seconds >= unitSeconds) ?? units[3];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(seconds / length));
};
