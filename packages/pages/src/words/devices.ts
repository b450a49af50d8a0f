// Owns the names of devices, such as "Chrome on Windows", read from the user agent. A sender can put anything there:
// the names help users to recognise their devices, and prove nothing.

import { deviceWords } from "./time-words.ts";
import { useWords, type Words } from "./words.ts";

/** A device, as its user agent describes it. */
export interface Device {
  readonly name: string;
  readonly kind: "desktop" | "handheld" | "program";
}

type Rule = readonly [pattern: RegExp, name: string];

/** The first match counts: most browsers also claim to be older ones. */
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

/** Programs by their user agent. */
const programs: readonly (readonly [RegExp, "command" | "nodeProgram" | "androidApp" | "appleApp"])[] = [
  [/^lockstep command$/, "command"],
  [/^(node|undici)\b/, "nodeProgram"],
  [/^(okhttp|Dalvik)\b/, "androidApp"],
  [/\b(CFNetwork|Darwin)\b/, "appleApp"],
];

const nameIn = <Name>(rules: readonly (readonly [RegExp, Name])[], userAgent: string): Name | undefined =>
  rules.find(([pattern]) => pattern.test(userAgent))?.[1];

/** The device that sent this user agent. `null`: it sent none. */
export const deviceOf = (userAgent: string | null, words: Words["devices"]): Device => {
  if (!userAgent) return { name: words.unknown, kind: "program" };
  const program = nameIn(programs, userAgent);
  if (program) return { name: words[program], kind: "program" };
  const browser = nameIn(browsers, userAgent);
  const system = nameIn(systems, userAgent);
  const kind = system && handhelds.has(system) ? "handheld" : "desktop";
  if (browser) return { name: system ? words.on(browser, system) : browser, kind };
  if (system) return { name: words.appOn(system), kind };
  // `curl/8.5.0 …`: the first word is the program's name.
  return { name: /^[\w.-]{1,40}/.exec(userAgent)?.[0] ?? words.unknown, kind: "program" };
};

/** Reads user agents, in the words of the app. */
export const useDevices = (): ((userAgent: string | null) => Device) => {
  const words = useWords("devices", deviceWords);
  return (userAgent) => deviceOf(userAgent, words);
};
