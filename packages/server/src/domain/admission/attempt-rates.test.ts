import { expect, it } from "vitest";
import { testClock } from "../../testing.ts";
import { createAttemptRates } from "./attempt-rates.ts";

const open = () => {
  const clock = testClock();
  const rates = createAttemptRates({ now: clock.now });
  const attempts = (count: number, address: string | null) => {
    for (let n = 0; n < count; n++) rates.count(address);
  };
  return { clock, rates, attempts };
};

it("turns on for a network above its rate, off again within a minute, and never for others", () => {
  const { clock, rates, attempts } = open();
  attempts(19, "192.0.2.1");
  expect(rates.secondsUntilLow("192.0.2.1")).toBe(0);
  attempts(1, "192.0.2.1");
  expect(rates.secondsUntilLow("192.0.2.1")).toBe(3);
  expect(rates.secondsUntilLow("192.0.2.2")).toBe(0);
  attempts(1000, "192.0.2.1");
  expect(rates.secondsUntilLow("192.0.2.1")).toBeLessThanOrEqual(63);
  clock.advanceSeconds(63);
  expect(rates.secondsUntilLow("192.0.2.1")).toBe(0);
});

it("[S93] counts the addresses of an IPv6 network as one", () => {
  const { rates } = open();
  for (let n = 0; n < 20; n++) rates.count(`2001:db8:1:2::${n}`);
  expect(rates.secondsUntilLow("2001:db8:1:2::ffff")).toBeGreaterThan(0);
  expect(rates.secondsUntilLow("2001:db8:1:3::1")).toBe(0);
});

it("turns on for everybody when many networks try, but not because of one", () => {
  const { clock, rates, attempts } = open();
  attempts(5000, "192.0.2.1");
  expect(rates.secondsUntilLow("198.51.100.1")).toBe(0);
  for (let n = 0; n < 300; n++) rates.count(`10.0.${n >> 8}.${n & 255}`);
  expect(rates.secondsUntilLow("198.51.100.1")).toBeGreaterThan(0);
  clock.advanceSeconds(63);
  expect(rates.secondsUntilLow("198.51.100.1")).toBe(0);
});

it("does not count sign-ins that succeed, such as those of a large office in the morning", () => {
  const { rates } = open();
  for (let n = 0; n < 1000; n++) {
    rates.count("192.0.2.1");
    rates.refund("192.0.2.1");
  }
  expect(rates.secondsUntilLow("192.0.2.1")).toBe(0);
});

it("[S92] remembers a bounded number of networks", () => {
  const { rates, attempts } = open();
  attempts(20, "192.0.2.1");
  for (let n = 0; n < 10_000; n++) rates.count(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  // The level of the server shows such an attack.
  expect(rates.secondsUntilLow("203.0.113.1")).toBeGreaterThan(0);
  for (let n = 0; n < 10_000; n++) rates.refund("203.0.113.1");
  expect(rates.secondsUntilLow("192.0.2.1")).toBe(0);
});
