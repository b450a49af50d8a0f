// Owns the theme of an app: a typed object that becomes CSS variables. Their defaults are in `styles/theme.css`.

import type { Brand } from "@lockstep/kit";
import { contrastOf, isHex, labelOn, mixed, readable, shapeContrast } from "./contrast.ts";

/** The colours of one colour scheme, as CSS colours. Each is the variable `--color-…` of its name in kebab case. */
export interface ThemeColors {
  /** Buttons for the main action. Default: the brand's colour. */
  readonly accent?: string;
  /** The text on those buttons. Default: white, or black if `accent` is too light for white. */
  readonly accentLabel?: string;
  /** The edge of those buttons. Default: none, or `link` if `accent` can hardly be told from `surface`. */
  readonly accentEdge?: string;
  /** Those buttons on hover. Default: made from `accent`. */
  readonly accentHover?: string;
  /** The selected item, such as the page in the navigation. Default: made from `accent`. */
  readonly accentSurface?: string;
  readonly accentSurfaceHover?: string;
  readonly accentText?: string;
  /** Links. Default: made from `accent`, so that it is readable. */
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

/**
 * The stylesheet of a theme. The colours of the brand are used where the theme has no accent. What is made from an accent is
 * readable (WCAG 2.2 §1.4.3) if the accent is a hexadecimal colour; other notations are mixed by the browser.
 */
export const themeCss = ({ colors }: Pick<Brand, "colors">, { light, dark, ...rest }: Theme = {}): string =>
  [
    rule(scheme(), rest, ""),
    rule(scheme("light"), withDerived({ ...(colors && { accent: colors.light }), ...light }, lightScheme), "color-"),
    rule(scheme("dark"), withDerived({ ...(colors && { accent: colors.dark }), ...dark }, darkScheme), "color-"),
  ].join("");

// `:root` twice, to win over the defaults in whichever order the stylesheets are loaded.
const scheme = (name?: "light" | "dark") =>
  `:root:root${name === undefined ? "" : `[data-mantine-color-scheme="${name}"]`}`;

const rule = (selector: string, values: object, prefix: string): string => {
  const declarations = Object.entries(values).map(([name, value]) => `  --${prefix}${kebab(name)}: ${value};\n`);
  return declarations.length === 0 ? "" : `${selector} {\n${declarations.join("")}}\n`;
};

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** How colours are made from an accent in one scheme. Numbers are the percentage of the accent. */
interface Scheme {
  /** As in `styles/theme.css`. */
  readonly background: string;
  readonly surface: string;
  /** What text is made of. */
  readonly ink: string;
  readonly hover: number;
  readonly accentSurface: number;
  readonly accentSurfaceHover: number;
  readonly accentText: number;
  readonly link: number;
}

/** @internal */
export const lightScheme: Scheme = {
  background: "#f6f5f1",
  surface: "#ffffff",
  ink: "#000000",
  hover: 80,
  accentSurface: 11,
  accentSurfaceHover: 18,
  accentText: 80,
  link: 100,
};

/** @internal */
export const darkScheme: Scheme = {
  background: "#101413",
  surface: "#181e1d",
  ink: "#ffffff",
  hover: 85,
  accentSurface: 20,
  accentSurfaceHover: 30,
  accentText: 50,
  link: 65,
};

const withDerived = (colors: ThemeColors, defaults: Scheme): ThemeColors => {
  const { accent, background, surface } = colors;
  const derived =
    accent !== undefined &&
    derive(accent, {
      ...defaults,
      ...(background !== undefined && isHex(background) && { background }),
      ...(surface !== undefined && isHex(surface) && { surface }),
    });
  const all: ThemeColors = { ...derived, ...colors };
  return { ...(all.link !== undefined && { focus: all.link }), ...all };
};

const derive = (accent: string, scheme: Scheme): Omit<ThemeColors, "accent"> => {
  const { background, surface, ink } = scheme;
  if (!isHex(accent)) {
    const mix = (percent: number, other: string) => `color-mix(in srgb, ${accent} ${percent}%, ${other})`;
    return {
      accentHover: mix(scheme.hover, "black"),
      accentSurface: mix(scheme.accentSurface, surface),
      accentSurfaceHover: mix(scheme.accentSurfaceHover, surface),
      accentText: mix(scheme.accentText, ink),
      link: mix(scheme.link, ink),
    };
  }
  const accentLabel = labelOn(accent);
  const accentSurface = mixed(accent, scheme.accentSurface, surface);
  const accentSurfaceHover = mixed(accent, scheme.accentSurfaceHover, surface);
  const surfaces = [background, surface, accentSurface, accentSurfaceHover];
  const link = readable(accent, scheme.link, ink, surfaces);
  return {
    accentLabel,
    ...(contrastOf(accent, surface) < shapeContrast && { accentEdge: link }),
    // Away from the label, which stays readable.
    accentHover: mixed(accent, scheme.hover, accentLabel === "#ffffff" ? "#000000" : "#ffffff"),
    accentSurface,
    accentSurfaceHover,
    accentText: readable(accent, scheme.accentText, ink, surfaces),
    link,
  };
};
