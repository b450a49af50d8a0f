// Owns how readable one colour is on another (WCAG 2.2), and what is done where it is not. Colours are hexadecimal.

type Rgb = readonly [red: number, green: number, blue: number];

/** The contrast that text needs. WCAG 2.2 §1.4.3. */
const textContrast = 4.5;

/** The contrast that the shape of a button needs. WCAG 2.2 §1.4.11. */
export const shapeContrast = 3;

/** A colour such as `#06c` or `#0066cc`, or null for any other notation. */
const parse = (color: string): Rgb | null => {
  const digits = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(color.trim())?.[1];
  if (digits === undefined) return null;
  const [red = 0, green = 0, blue = 0] = (digits.match(digits.length === 3 ? /./g : /../g) ?? []).map((part) =>
    Number.parseInt(part.padStart(2, part), 16),
  );
  return [red, green, blue];
};

export const isHex = (color: string): boolean => parse(color) !== null;

const rgb = (color: string): Rgb => {
  const parsed = parse(color);
  if (parsed === null) throw new TypeError(`${color} is not a hexadecimal colour`);
  return parsed;
};

/** @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
const luminance = (color: Rgb): number => {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** From 1 to 21. */
export const contrastOf = (one: string, other: string): number => {
  const [dark = 0, light = 0] = [luminance(rgb(one)), luminance(rgb(other))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

/** `percent` of a colour in another one. */
export const mixed = (color: string, percent: number, other: string): string => {
  const parts = rgb(other);
  return `#${rgb(color)
    .map((part, place) => Math.round((part * percent + (parts[place] ?? 0) * (100 - percent)) / 100))
    .map((part) => part.toString(16).padStart(2, "0"))
    .join("")}`;
};

/** White, or black where white text cannot be read. One of the two reaches 4.5:1 on any colour. */
export const labelOn = (color: string): "#ffffff" | "#000000" =>
  contrastOf(color, "#ffffff") >= textContrast ? "#ffffff" : "#000000";

/** The most of a colour in `ink` that is readable on all of the surfaces, or `ink` itself. */
export const readable = (color: string, percent: number, ink: string, surfaces: readonly string[]): string => {
  for (let most = percent; most > 0; most -= 5) {
    const text = mixed(color, most, ink);
    if (surfaces.every((surface) => contrastOf(text, surface) >= textContrast)) return text;
  }
  return ink;
};
