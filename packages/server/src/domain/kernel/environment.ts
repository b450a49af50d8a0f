// Owns what the domain needs from outside: time and randomness. The composition root passes them in, so that tests can
// set the clock and repeat random values.

/** Epoch milliseconds. */
export type Now = () => number;

/** Unpredictable bytes. */
export type Random = (sizeBytes: number) => Uint8Array<ArrayBuffer>;

/**
 * Makes a URL-safe identifier of 128 random bits, 22 characters. Never starts with a dash, so that commands do not read
 * it as an option.
 */
export const randomId = (random: Random): string => {
  const id = Buffer.from(random(16)).toString("base64url");
  return id.startsWith("-") ? randomId(random) : id;
};
