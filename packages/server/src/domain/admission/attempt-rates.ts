// Owns how many attempts of strangers this server sees: of each network, and of all together. Levels rise with each attempt
// and sink with time, in memory: they decide about a challenge, never about a refusal, so that servers need not agree.

import type { Now } from "../kernel/environment.ts";
import { network } from "../kernel/ip-addresses.ts";

export interface Rate {
  /** Attempts at once that are not too many. */
  readonly burst: number;
  readonly perMinute: number;
}

/** Many people can share an address. Sign-ins that succeed are not counted. */
const perNetwork: Rate = { burst: 20, perMinute: 20 };
/** Of many networks: an attack from everywhere. */
const perServer: Rate = { burst: 300, perMinute: 300 };

/** The networks that are remembered. An attack from more of them is one that the server's own level shows. */
const maxNetworks = 10_000;

interface Level {
  readonly value: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type AttemptRates = ReturnType<typeof createAttemptRates>;

export const createAttemptRates = ({ now }: { now: Now }) => {
  const networks = new Map<string, Level>();
  let server: Level = { value: 0, at: now() };

  const levelNow = ({ value, at }: Level, { perMinute }: Rate): number =>
    Math.max(0, value - (Math.max(0, now() - at) / 60_000) * perMinute);

  /** No higher than twice the burst, so that it is over a minute after the attack at the latest. */
  const changed = (level: Level, by: number, rate: Rate): Level => ({
    value: Math.min(Math.max(0, levelNow(level, rate) + by), 2 * rate.burst),
    at: now(),
  });

  const levelOf = (name: string): Level => networks.get(name) ?? { value: 0, at: now() };

  const remember = (name: string, level: Level): void => {
    networks.delete(name);
    networks.set(name, level);
    // The one that was quiet for longest.
    if (networks.size > maxNetworks) for (const oldest of networks.keys()) return void networks.delete(oldest);
  };

  const excessOf = (address: string | null) => {
    const ofNetwork = levelNow(levelOf(network(address ?? "")), perNetwork);
    return {
      network: Math.max(0, ofNetwork + 1 - perNetwork.burst) / perNetwork.perMinute,
      server: Math.max(0, levelNow(server, perServer) + 1 - perServer.burst) / perServer.perMinute,
    };
  };

  return {
    /** How long there are more attempts than people make, from this address or in total, if no more come. 0: there are not. */
    secondsUntilLow(address: string | null): number {
      const excess = excessOf(address);
      return Math.ceil(Math.max(excess.network, excess.server) * 60);
    },

    /** Counts an attempt. One network does not raise the server's level further than its own limit. */
    count(address: string | null): void {
      const name = network(address ?? "");
      if (excessOf(address).network === 0) server = changed(server, 1, perServer);
      remember(name, changed(levelOf(name), 1, perNetwork));
    },

    /** The attempt was a person's: it is not counted. */
    refund(address: string | null): void {
      const name = network(address ?? "");
      server = changed(server, -1, perServer);
      remember(name, changed(levelOf(name), -1, perNetwork));
    },
  };
};
