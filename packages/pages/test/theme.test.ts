import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contrastOf } from "../src/contrast.ts";
import { darkScheme, lightScheme, type ThemeColors, themeCss } from "../src/theme.ts";

const schemes = { light: lightScheme, dark: darkScheme };
const steps = ["00", "22", "44", "66", "88", "aa", "cc", "ee", "ff"];
const accents = steps.flatMap((red) => steps.flatMap((green) => steps.map((blue) => `#${red}${green}${blue}`)));

/** The value of each variable in one scheme of a stylesheet. */
const variablesOf = (css: string, scheme: "light" | "dark"): Record<string, string> => {
  const [, rule = ""] = new RegExp(`-scheme="${scheme}"\\] {\n(.*?)^}`, "ms").exec(css) ?? [];
  return Object.fromEntries(
    [...rule.matchAll(/--color-([\w-]+): (.+);/g)].map(([, name = "", value = ""]) => [name, value]),
  );
};

describe.each(["light", "dark"] as const)("the %s scheme", (scheme) => {
  const colorsOf = (colors: ThemeColors) => variablesOf(themeCss({}, { [scheme]: colors }), scheme);

  it("makes readable colours from any accent (WCAG 2.2 §1.4.3, §1.4.11)", () => {
    const { background, surface } = schemes[scheme];
    const unreadable = accents.filter((accent) => {
      const made = colorsOf({ accent });
      const of = (name: string) => made[name] ?? expect.fail(`There is no ${name}`);
      const texts = [of("link"), of("accent-text"), of("focus")];
      const surfaces = [background, surface, of("accent-surface"), of("accent-surface-hover")];
      return (
        texts.some((text) => surfaces.some((behind) => contrastOf(text, behind) < 4.5)) ||
        [accent, of("accent-hover")].some((button) => contrastOf(of("accent-label"), button) < 4.5) ||
        contrastOf(made["accent-edge"] ?? accent, surface) < 3
      );
    });
    expect(unreadable).toEqual([]);
  });

  it("judges contrast on the theme's own surfaces", () => {
    const [accent, background] = scheme === "light" ? ["#767676", "#e0e0e0"] : ["#303030", "#505050"];
    const { link = "" } = colorsOf({ accent, background });
    expect(contrastOf(link, background)).toBeGreaterThanOrEqual(4.5);
  });

  it("keeps what the theme says, and takes the focus from its link", () => {
    const said = { accent: "#ffe14d", accentLabel: "#123456", link: "#abcdef" };
    expect(colorsOf(said)).toMatchObject({ "accent-label": "#123456", link: "#abcdef", focus: "#abcdef" });
  });

  it("leaves an accent in another notation to the browser", () => {
    const made = colorsOf({ accent: "oklch(60% 0.2 30)" });
    expect(made["link"]).toMatch(/^color-mix\(in srgb, oklch\(60% 0\.2 30\) \d+%, #/);
    expect(made).not.toHaveProperty("accent-label");
  });

  it("has the background and the surface of styles/theme.css", () => {
    const css = readFileSync(join(import.meta.dirname, "../src/styles/theme.css"), "utf8");
    const { background = "", surface = "" } = variablesOf(css, scheme);
    expect(contrastOf(background, schemes[scheme].background)).toBe(1);
    expect(contrastOf(surface, schemes[scheme].surface)).toBe(1);
  });
});
