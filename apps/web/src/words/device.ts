// Owns what a device is called: "Chrome on Windows", read from the user agent it sent. Whatever sends one can
// write what it likes there, so these are words to recognise one's own devices by, and no proof.

export interface Device {
  readonly name: string;
  readonly kind: "desktop" | "handheld" | "program";
}

type Rule = readonly [pattern: RegExp, name: string];

/** The first that fits counts: most browsers also claim to be those that came before them. */
const browsers: readonly Rule[] = [
  [/\b(Edg|Edge|EdgA|EdgiOS)\//, "Edge"],
  [/\b(OPR|OPT|OPiOS|Opera)\b/, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bYaBrowser\//, "Yandex Browser"],
  [/\bDuckDuckGo\//, "DuckDuckGo"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|HeadlessChrome|Chromium)\//, "Chrome"],
  [/\bVersion\/[\d.]+ (Mobile\/\w+ )?Safari\//, "Safari"],
];

const systems: readonly Rule[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

const handhelds = new Set(["iPhone", "iPad", "Android"]);

/** What programs call themselves, in the words of people. */
const programs: readonly Rule[] = [
  [/^lockstep command$/, "An administrator’s command"],
  [/^(node|undici)\b/, "A Node.js program"],
  [/^(okhttp|Dalvik)\b/, "An Android app"],
  [/\b(CFNetwork|Darwin)\b/, "An app on an Apple device"],
];

const nameIn = (rules: readonly Rule[], userAgent: string) => rules.find(([pattern]) => pattern.test(userAgent))?.[1];

/** The device that sent this user agent; `null` is one that sent none. */
export const deviceOf = (userAgent: string | null): Device => {
  if (!userAgent) return { name: "An unknown device", kind: "program" };
  const program = nameIn(programs, userAgent);
  if (program) return { name: program, kind: "program" };
  const browser = nameIn(browsers, userAgent);
  const system = nameIn(systems, userAgent);
  if (!browser && !system) {
    // `curl/8.5.0 …`: what it says first is its name.
    return { name: /^[\w.-]{1,40}/.exec(userAgent)?.[0] ?? "An unknown device", kind: "program" };
  }
  return {
    name: browser && system ? `${browser} on ${system}` : (browser ?? `An app on ${system}`),
    kind: system && handhelds.has(system) ? "handheld" : "desktop",
  };
};
