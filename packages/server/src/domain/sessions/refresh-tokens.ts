// Owns the format of refresh tokens: `session id . generation . MAC`. The MAC is keyed by `SECRET`, over ID, generation
// and the session's random seed: a token can be computed again, but not from a leak of the database or of `SECRET`
// alone. Which generation is valid, and until when: `sessions.ts`.

import type { Secrets } from "../kernel/secrets.ts";

export interface RefreshToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly mac: string;
}

const form = /^([\w-]{22})\.(0|[1-9]\d{0,9})\.([\w-]{43})$/;

/** The parts of a refresh token; `null`: it is malformed. Nothing is verified yet. */
export const parseRefreshToken = (text: string): RefreshToken | null => {
  const [, sessionId, generation, mac] = form.exec(text) ?? [];
  return sessionId && generation && mac ? { sessionId, generation: Number(generation), mac } : null;
};

export interface SessionSeed {
  readonly sessionId: string;
  /** 160 random bits that never leave the database. */
  readonly seed: string;
}

/** The refresh token of a session's generation. Always the same text. */
export const refreshTokenOf = (secrets: Secrets, { sessionId, seed }: SessionSeed, generation: number): string =>
  `${sessionId}.${generation}.${secrets.mac("refresh-tokens", macInput(sessionId, generation, seed))}`;

/** Whether this service made the token, for the session with this seed. */
export const isOurs = (secrets: Secrets, token: RefreshToken, seed: string): boolean =>
  secrets.verifyMac("refresh-tokens", macInput(token.sessionId, token.generation, seed), token.mac);

const macInput = (sessionId: string, generation: number, seed: string) => `${sessionId}.${generation}.${seed}`;
