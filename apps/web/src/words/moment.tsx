// Owns how a moment is told: how long ago, or at which time of which day.

import { useSyncExternalStore } from "react";

const everyMs = 30_000;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

const units = [
  ["day", 24 * 60 * 60_000],
  ["hour", 60 * 60_000],
  ["minute", 60_000],
] as const satisfies readonly (readonly [Intl.RelativeTimeFormatUnit, number])[];

/** "5 minutes ago". A moment of a server whose clock runs ahead is "just now". */
export const ago = (at: number, now: number): string => {
  const unit = units.find(([, lengthMs]) => now - at >= lengthMs);
  return unit ? relative.format(-Math.floor((now - at) / unit[1]), unit[0]) : "just now";
};

const subscribe = (listener: () => void) => {
  const timer = setInterval(listener, everyMs);
  return () => clearInterval(timer);
};

// One step for all that is shown, so that no two moments disagree.
const currentStep = () => Math.floor(Date.now() / everyMs);

/** How long ago `at` was, kept up to date; the time itself on pointing at it. */
export const Ago = ({ at }: { at: number }) => {
  useSyncExternalStore(subscribe, currentStep);
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute.format(at)}>
      {ago(at, Date.now())}
    </time>
  );
};

/** The day and time of `at`. */
export const Moment = ({ at }: { at: number }) => (
  <time dateTime={new Date(at).toISOString()}>{absolute.format(at)}</time>
);
