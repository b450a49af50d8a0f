// Owns the codes that an authenticator app shows, for tests: RFC 6238 and RFC 4226 §5.3, apart from the library that
// checks them.

import { createHmac } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 §6. */
export const fromBase32 = (text: string): Buffer => {
  const bits = [...text.replace(/=+$/, "")]
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
};

/** The code of a key at a time in epoch milliseconds. */
export const codeOfKey = (key: Buffer, at: number, digits = 6): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits).padStart(digits, "0");
};

/** The six digits of a secret in base32 at a time in epoch milliseconds. */
export const codeOf = (secret: string, at: number): string => codeOfKey(fromBase32(secret), at);
