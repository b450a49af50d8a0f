// Owns what the domain needs from the world. The composition root passes it in, so that tests can travel
// in time and repeat what was random.

/** Epoch milliseconds. */
export type Now = () => number;

/** Bytes nobody can guess. */
export type Random = (sizeBytes: number) => Uint8Array<ArrayBuffer>;

/**
 * An identifier of 128 random bits, in 22 characters that a URL takes as they are. None begins with a dash: an
 * operator who pastes one into a command would be told that there is no such option.
 */
export const randomId = (random: Random): string => {
  const id = Buffer.from(random(16)).toString("base64url");
  return id.startsWith("-") ? randomId(random) : id;
};
