// Owns the stored form of a password and its verification. Which passwords are allowed: `password-policy.ts`.
//
// Stored: `hmac-sha384:<pepper>:<bcrypt>`, bcrypt over base64(HMAC-SHA-384(password, key)): 64 characters,
// so nothing is cut at bcrypt's 72 bytes. `<pepper>` names the key: `none`, or a digest of the `PEPPER`
// it was made with. Anything that begins with `$2` is a plain bcrypt hash that was imported.

import { createHash, createHmac } from "node:crypto";
import * as nodeRsBcrypt from "@node-rs/bcrypt";
import type { HashingQueue } from "./hashing-queue.ts";

export interface PasswordsOptions {
  /** bcrypt's cost: each step doubles the time. */
  readonly cost: number;
  /** A key outside the database, so that a leak of it alone gives nothing to guess against. */
  readonly pepper: string | null;
  /** Peppers of before, to verify what was hashed under them. */
  readonly previousPeppers: readonly string[];
  /** The real one unless given: a test counts its work. */
  readonly bcrypt?: Bcrypt;
  readonly queue: HashingQueue;
}

type Bcrypt = Pick<typeof nodeRsBcrypt, "hash" | "compare">;

export type Verification =
  | { readonly matches: false }
  /** `upgrade`: a better stored form for the same password, to put in place of this one. */
  | { readonly matches: true; readonly upgrade: string | null };

export type Passwords = ReturnType<typeof createPasswords>;

const prefix = "hmac-sha384";

const bcryptLimitBytes = 72;

/** Not a secret: without a `PEPPER` the HMAC only folds a password of any length into 48 bytes. */
const noPepper = { id: "none", key: "lockstep:password" };

const pepperOf = (key: string) => ({ id: createHash("sha256").update(key).digest("hex").slice(0, 16), key });

export const createPasswords = ({
  cost,
  pepper,
  previousPeppers,
  queue,
  bcrypt: { hash: bcryptHash, compare } = nodeRsBcrypt,
}: PasswordsOptions) => {
  const current = pepper === null ? noPepper : pepperOf(pepper);
  const keys = new Map([noPepper, ...previousPeppers.map(pepperOf), current].map(({ id, key }) => [id, key]));

  const hash = async (password: string) =>
    `${prefix}:${current.id}:${await bcryptHash(folded(password, current.key), { cost })}`;

  // Somebody has to fail as slowly for an account that does not exist: a hash that no password has.
  const nobody = { pepperId: current.id, bcrypt: `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}` };

  /** Makes a failure cost as much as one at full cost: 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) = 2^cost. */
  const topUp = async (from: number) => {
    for (let step = from; step < cost; step++) await bcryptHash("", { cost: step });
  };

  const verify = async (password: string, stored: string | null): Promise<Verification> => {
    const form = stored === null ? null : parseStored(stored);
    const key = form?.pepperId ? keys.get(form.pepperId) : undefined;
    const usable = form !== null && (form.pepperId === null || key !== undefined);
    const { bcrypt, pepperId } = usable ? form : nobody;
    const typed = pepperId === null ? password : folded(password, key ?? current.key);

    // A plain hash may have been made by code that stops at a NUL: such a password would let in all that begin alike.
    const comparable = pepperId !== null || (password !== "" && !password.includes("\0"));
    const matches = (await compare(typed, bcrypt)) && usable && comparable;
    const { cost: storedCost } = nodeRsBcrypt.parseOptions(bcrypt);
    if (!matches) {
      await topUp(storedCost);
      return { matches };
    }
    const upToDate = pepperId === current.id && storedCost >= cost;
    // bcrypt by itself looks at 72 bytes, and may have made this hash of the first 72 of a longer password. Stored anew,
    // either of the two would lock its owner out, who types the other.
    const seenWhole = pepperId !== null || Buffer.byteLength(password) < bcryptLimitBytes;
    return { matches, upgrade: upToDate || !seenWhole ? null : await hash(password) };
  };

  return {
    /** Refuses early what `hash` and `verify` would refuse. @throws DomainError `OVERLOADED` */
    refuseWhenFull: queue.refuseWhenFull,

    /**
     * The form to store for a new password.
     * @throws DomainError `OVERLOADED`
     */
    hash: (password: string): Promise<string> => queue.run(() => hash(password)),

    /**
     * Checks a password against a stored form; `null` is an account that has none, or does not exist.
     * A failure takes the same time for all of them. The caller stores `upgrade`, when there is one. `shares` names the
     * account and the address that it is for (`hashing-queue.ts`).
     * @throws DomainError `OVERLOADED`
     */
    verify: (password: string, stored: string | null, shares: readonly string[] = []): Promise<Verification> =>
      queue.run(() => verify(password, stored), shares),

    /** A plain bcrypt hash from elsewhere, as it is stored here; `null` when it is not one. */
    import: (bcrypt: string): string | null => (plainBcrypt.test(bcrypt) ? bcrypt : null),
  };
};

/**
 * `$2a$`, `$2b$`, `$2y$`, two digits of cost from 04 to 16 (more would block sign-in: 31 takes a day), 22 characters
 * of salt and 31 of hash, each ending in one whose unused bits are 0: the verifier throws on others.
 */
const plainBcrypt = /^\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

/** The same characters can be typed in several ways (NIST SP 800-63B-4 §3.1.1.2: normalize before hashing). */
const folded = (password: string, key: string) =>
  createHmac("sha384", key).update(password.normalize("NFKC"), "utf8").digest("base64");

/** `pepperId` is `null` for a plain bcrypt hash. */
const parseStored = (stored: string): { pepperId: string | null; bcrypt: string } => {
  if (stored.startsWith("$2")) return { pepperId: null, bcrypt: stored };
  const [scheme, pepperId, bcrypt] = stored.split(":");
  if (scheme !== prefix || !pepperId || !bcrypt) throw new Error("A stored password is in no form that is known here");
  return { pepperId, bcrypt };
};
