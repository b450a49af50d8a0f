import { expect, test } from "vitest";
import { activityOf } from "../src/pages/sessions/activity.ts";
import { sessionsWords } from "../src/pages/sessions/words.tsx";
import { deviceOf } from "../src/words/devices.ts";
import { ago, durationOf } from "../src/words/moments.tsx";
import { deviceWords } from "../src/words/time-words.ts";

const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36`, "Chrome on Windows"],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`,
    "Edge on Windows",
  ],
  [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0`, "Opera on Linux"],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/140.0.0.0 Safari/537.36`, "Chrome on ChromeOS"],
  [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/140.0.0.0 Mobile Safari/537.36`, "Chrome on Android"],
  [
    `Mozilla/5.0 (Linux; Android 10; K) ${webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    "Samsung Internet on Android",
  ],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"],
  ["Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Safari on macOS",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1",
    "Chrome on iPhone",
  ],
  ["curl/8.14.1", "curl"],
  ["node", "A Node.js program"],
  ["lockstep command", "An administrator’s command"],
  ["Mozilla/5.0 (Linux; U) Unheard/1", "An app on Linux"],
  ["<script>alert(1)</script>", "An unknown device"],
  ["", "An unknown device"],
  [null, "An unknown device"],
])("names the device with the user agent %j %s", (userAgent, name) => {
  expect(deviceOf(userAgent, deviceWords).name).toBe(name);
});

test.each([
  [-5000, "just now"],
  [59_000, "just now"],
  [60_000, "1 minute ago"],
  [59 * 60_000, "59 minutes ago"],
  [60 * 60_000, "1 hour ago"],
  [26 * 60 * 60_000, "1 day ago"],
  [90 * 24 * 60 * 60_000, "90 days ago"],
])("formats a moment %i ms ago as %s", (elapsedMs, words) => {
  expect(ago(1_000_000_000_000 - elapsedMs, 1_000_000_000_000, "en", "just now")).toBe(words);
});

const words = sessionsWords.activity;

test("shows an unknown action by its name", () => {
  expect(activityOf({ action: "album.share", outcome: "done" }, words)).toEqual({
    text: "album.share",
    remarkable: false,
  });
  expect(activityOf({ action: "sign_in", outcome: "refused" }, words)).toEqual({
    text: "A sign-in failed",
    remarkable: true,
  });
});

test("marks the use of a copied session or token", () => {
  expect(activityOf({ action: "grant.reuse", outcome: "done" }, words).remarkable).toBe(true);
  expect(activityOf({ action: "grant.approve", outcome: "done" }, words).remarkable).toBe(false);
});

test.each([
  [14 * 24 * 3600, "14 days"],
  [24 * 3600, "1 day"],
  [90 * 60, "1 hour"],
  [59, "59 seconds"],
  [0, "0 seconds"],
])("formats a duration of %i seconds as %s", (seconds, words) => {
  expect(durationOf(seconds, "en")).toBe(words);
});
