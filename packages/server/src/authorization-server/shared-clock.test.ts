import { UnsecuredJWT } from "jose";
import type { Adapter, AdapterPayload } from "oidc-provider";
import { describe, expect, it } from "vitest";
import { followingSharedClock, toSharedClock } from "./shared-clock.ts";

const now = 1_800_000_000;
/** A machine whose clock is five minutes behind. */
const clock = { offsetMs: () => 300_000 };
const rightClock = { offsetMs: () => 0 };

/** Stores one record as it is written. */
const memory = () => {
  let stored: AdapterPayload | undefined;
  const find = async () => stored;
  const nothing = async () => {};
  const adapter: Adapter = {
    async upsert(_id, payload) {
      stored = payload;
    },
    find,
    findByUid: find,
    findByUserCode: find,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  };
  return { adapter, stored: () => stored };
};

const times = { iat: now, exp: now + 60, nbf: now, iiat: now, loginTs: now, authTime: now, consumed: now };

describe("the authorization server's records", () => {
  it("are stored by the shared clock, and read by the machine's", async () => {
    const { adapter, stored } = memory();
    await followingSharedClock(adapter, clock).upsert("id", { ...times, jti: "id" }, 60);
    expect(stored()).toEqual({
      jti: "id",
      ...Object.fromEntries(Object.entries(times).map(([name, time]) => [name, time + 300])),
    });
    for (const find of ["find", "findByUid", "findByUserCode"] as const) {
      expect(await followingSharedClock(adapter, clock)[find]("id")).toEqual({ ...times, jti: "id" });
      expect(await followingSharedClock(adapter, rightClock)[find]("id")).toMatchObject({ iat: now + 300 });
    }
  });

  it("convert the times of a pushed request, unless its client signed it (RFC 9126)", () => {
    const unsigned = new UnsecuredJWT({ exp: now }).encode();
    const { request } = toSharedClock({ request: unsigned }, clock);
    expect(UnsecuredJWT.decode(request).payload).toEqual({ exp: now + 300 });
    const signed = `${unsigned}signature`;
    expect(toSharedClock({ request: signed }, clock)).toEqual({ request: signed });
  });

  it("keep the time of the sign-in, which is written by the shared clock, and read by the machine's", async () => {
    const { adapter, stored } = memory();
    const following = followingSharedClock(adapter, clock);
    const result = { login: { accountId: "ann", ts: now } };
    await following.upsert("id", { result }, 60);
    expect(stored()?.result).toEqual(result);
    expect((await following.find("id"))?.result?.login).toEqual({ accountId: "ann", ts: now - 300 });
  });
});
