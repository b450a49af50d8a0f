import { expect, it } from "vitest";
import { systemRandom } from "../../random.ts";
import { testClock } from "../../testing.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createDevices } from "./devices.ts";

const owner = { userId: "ann", passwordHash: "a hash" };

it("[S88] a device token is valid for its account and password, for 90 days, and only unchanged", () => {
  const clock = testClock();
  const devices = createDevices({ secrets: createSecrets("a secret"), random: systemRandom(), now: clock.now });
  const token = devices.issue(owner);
  const [deviceId, expiresAt, mac] = token.split(".");
  expect(devices.verify(token, owner)).toBe(true);
  expect(devices.verify(token, { ...owner, userId: "ben" })).toBe(false);
  expect(devices.verify(token, { ...owner, passwordHash: "another" })).toBe(false);
  expect(devices.verify(token, null)).toBe(false);
  const later = (Number.parseInt(String(expiresAt), 36) + 1).toString(36);
  for (const forged of [null, "", "..", `${deviceId}.${later}.${mac}`, `x${token}`, `${token}.`, `${deviceId}.${mac}`])
    expect(devices.verify(forged, owner)).toBe(false);
  clock.advanceSeconds(90 * 24 * 60 * 60 - 1);
  expect(devices.verify(token, owner)).toBe(true);
  clock.advanceSeconds(1);
  expect(devices.verify(token, owner)).toBe(false);
});
