// Owns the conversion of the library's records to the clock that servers share (`domain/kernel/clock.ts`). The library
// uses its machine's clock alone: times are moved to the shared clock when they are stored, and back when they are
// read, perhaps on another server. ID tokens are the exception: the library signs them with the machine's time.

import { decodeJwt, UnsecuredJWT } from "jose";
import type { Adapter, AdapterPayload } from "oidc-provider";
import type { Clock } from "../domain/kernel/clock.ts";

type SharedClock = Pick<Clock, "offsetMs">;
type Times = Readonly<Record<string, unknown>>;

/** The times in the library's records and tokens: NumericDates (RFC 7519 §2). */
const instants = ["iat", "exp", "nbf", "iiat", "loginTs", "authTime", "consumed"] as const;

/** The same record or claims by the shared clock. */
export const toSharedClock = <T extends Times>(times: T, clock: SharedClock): T => moved(times, secondsOf(clock));

const secondsOf = ({ offsetMs }: SharedClock) => Math.round(offsetMs() / 1000);

const moved = <T extends Times>(times: T, seconds: number): T => {
  if (seconds === 0) return times;
  const changed: Record<string, unknown> = {};
  for (const name of instants) {
    const time = times[name];
    if (typeof time === "number") changed[name] = time + seconds;
  }
  // A pushed authorization request (RFC 9126) is stored as an unsigned JWT with times of its own.
  const { request } = times;
  if (typeof request === "string") changed["request"] = movedJwt(request, seconds);
  return { ...times, ...changed };
};

const movedJwt = (jwt: string, seconds: number): string => {
  // A request object signed by its client contains the client's own times.
  if (!jwt.endsWith(".")) return jwt;
  return new UnsecuredJWT(moved(decodeJwt(jwt), seconds)).encode();
};

/** The adapter, with its records by the shared clock. */
export const followingSharedClock = (adapter: Adapter, clock: SharedClock): Adapter => {
  const read = async (reading: ReturnType<Adapter["find"]>): Promise<AdapterPayload | undefined> => {
    const stored = await reading;
    if (!stored) return undefined;
    const payload = moved(stored, -secondsOf(clock));
    const login = payload.result?.login;
    // `interactions.ts` writes the time of the sign-in by the shared clock.
    if (login?.ts === undefined) return payload;
    return { ...payload, result: { ...payload.result, login: { ...login, ts: login.ts - secondsOf(clock) } } };
  };
  return {
    ...adapter,
    upsert: (id, payload, expiresIn) => adapter.upsert(id, toSharedClock(payload, clock), expiresIn),
    find: (id) => read(adapter.find(id) as Promise<AdapterPayload | undefined>),
    findByUid: (uid) => read(adapter.findByUid(uid) as Promise<AdapterPayload | undefined>),
    findByUserCode: (userCode) => read(adapter.findByUserCode(userCode) as Promise<AdapterPayload | undefined>),
  };
};
