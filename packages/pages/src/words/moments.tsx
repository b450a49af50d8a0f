// Owns the texts of moments and durations.

import { useSyncExternalStore } from "react";
import { useLanguage } from "./language.ts";
import { timeWords } from "./time-words.ts";
import { useWords } from "./words.ts";

const everyMs = 30_000;

const units = [
  ["day", 24 * 60 * 60],
  ["hour", 60 * 60],
  ["minute", 60],
  ["second", 1],
] as const;

/** "5 minutes ago", in epoch milliseconds. A moment of a server whose clock is ahead is `justNow`. */
export const ago = (at: number, now: number, tag: string, justNow: string): string => {
  const seconds = (now - at) / 1000;
  const unit = units.find(([name, length]) => name !== "second" && seconds >= length);
  if (!unit) return justNow;
  return new Intl.RelativeTimeFormat(tag, { numeric: "always" }).format(-Math.floor(seconds / unit[1]), unit[0]);
};

/** "14 days": in the largest unit that fits, rounded down. */
export const durationOf = (seconds: number, tag: string): string => {
  const [unit, length] = units.find(([, unitSeconds]) => seconds >= unitSeconds) ?? units[3];
  return new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(seconds / length));
};

const subscribe = (listener: () => void) => {
  const timer = setInterval(listener, everyMs);
  return () => clearInterval(timer);
};

// One update for all moments of a page, so that they agree.
const currentStep = () => Math.floor(Date.now() / everyMs);

const absolute = (at: number, tag: string) =>
  new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" }).format(at);

/** How long ago `at` was (epoch milliseconds), kept up to date. Its tooltip is the date and time. */
export const Ago = ({ at }: { at: number }) => {
  const tag = useLanguage();
  const { justNow } = useWords("time", timeWords);
  useSyncExternalStore(subscribe, currentStep);
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at, tag)}>
      {ago(at, Date.now(), tag, justNow)}
    </time>
  );
};

/** The date and time of `at` (epoch milliseconds). */
export const Moment = ({ at }: { at: number }) => (
  <time dateTime={new Date(at).toISOString()}>{absolute(at, useLanguage())}</time>
);
