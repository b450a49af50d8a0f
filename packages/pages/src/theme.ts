// Owns the theme of an app: a typed object that becomes CSS variables. Their defaults are in `styles/theme.css`.

import type { Brand } from "@lockstep/kit";

/** The colours of one colour scheme, as CSS colours. Each is the variable `--color-…` of its name in kebab case. */
export interface ThemeColors {
  /** Buttons for the main action, with white text on them. Default: the brand's colour. */
  readonly accent?: string;
  /** Those buttons on hover. Default: made from `accent`. */
  readonly accentHover?: string;
  /** The selected item, such as the page in the navigation. Default: made from `accent`. */
  readonly accentSurface?: string;
  readonly accentSurfaceHover?: string;
  readonly accentText?: string;
  /** Links. Default: `accent` in the light scheme, made from `accent` in the dark one. */
  readonly link?: string;
  /** The focus outline. Default: `link`. */
  readonly focus?: string;
  /** The background of the page. */
  readonly background?: string;
  /** Cards, fields and the header. */
  readonly surface?: string;
  readonly text?: string;
  /** Text of less importance. */
  readonly dimmed?: string;
  /** Text in an empty field. */
  readonly placeholder?: string;
  /** Lines between parts. */
  readonly line?: string;
  /** The edges of fields: a contrast of 3:1 to `surface`. */
  readonly fieldEdge?: string;
  readonly hover?: string;
  readonly chosen?: string;
  /** Buttons for other actions. */
  readonly button?: string;
  readonly buttonHover?: string;
  readonly buttonEdge?: string;
  readonly error?: string;
  readonly errorSurface?: string;
  readonly errorText?: string;
  readonly cautionSurface?: string;
  readonly cautionText?: string;
}

/** The look of the pages. Values that are left out keep their defaults. */
export interface Theme {
  /** A CSS font family. */
  readonly font?: string;
  /** The corners of fields and buttons, as a CSS length. Default: `0.5rem`. */
  readonly radius?: string;
  /** The corners of cards and dialogs. Default: `0.875rem`. */
  readonly cardRadius?: string;
  readonly light?: ThemeColors;
  readonly dark?: ThemeColors;
}

/** The stylesheet of a theme. The colours of the brand are used where the theme has no accent. */
export const themeCss = ({ colors }: Pick<Brand, "colors">, { light, dark, ...rest }: Theme = {}): string =>
  [
    rule(scheme(), rest, ""),
    rule(scheme("light"), withDerived({ ...(colors && { accent: colors.light }), ...light }, lightMix), "color-"),
    rule(scheme("dark"), withDerived({ ...(colors && { accent: colors.dark }), ...dark }, darkMix), "color-"),
  ].join("");

// `:root` twice, to win over the defaults in whichever order the stylesheets are loaded.
const scheme = (name?: "light" | "dark") =>
  `:root:root${name === undefined ? "" : `[data-mantine-color-scheme="${name}"]`}`;

const rule = (selector: string, values: object, prefix: string): string => {
  const declarations = Object.entries(values).map(([name, value]) => `  --${prefix}${kebab(name)}: ${value};\n`);
  return declarations.length === 0 ? "" : `${selector} {\n${declarations.join("")}}\n`;
};

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const mix = (color: string, percent: number, other: string) => `color-mix(in srgb, ${color} ${percent}%, ${other})`;

/** The colours that are derived from an accent in one scheme. */
type Mix = (accent: string) => Omit<ThemeColors, "accent">;

const lightMix: Mix = (accent) => ({
  accentHover: mix(accent, 80, "black"),
  accentSurface: mix(accent, 11, "white"),
  accentSurfaceHover: mix(accent, 18, "white"),
  accentText: mix(accent, 80, "black"),
  link: accent,
});

const darkMix: Mix = (accent) => ({
  accentHover: mix(accent, 85, "black"),
  accentSurface: mix(accent, 20, "var(--color-surface)"),
  accentSurfaceHover: mix(accent, 30, "var(--color-surface)"),
  accentText: mix(accent, 45, "white"),
  link: mix(accent, 50, "white"),
});

const withDerived = (colors: ThemeColors, derive: Mix): ThemeColors => {
  const all = { ...(colors.accent !== undefined && derive(colors.accent)), ...colors };
  return { ...(all.link !== undefined && { focus: all.link }), ...all };
};
