// Owns the stored form of a password and its verification. Which passwords are allowed: `password-policy.ts`.
//
// Stored: `hmac-sha384:<pepper>:<bcrypt>`, bcrypt over base64(HMAC-SHA-384(password, key)): 64 characters, so bcrypt's
// limit of 72 bytes truncates nothing. `<pepper>` names the key: `none`, or a digest of the `PEPPER` that was used.
// Anything that begins with `$2` is an imported bcrypt hash.

import { createHash, createHmac } from "node:crypto";
import * as nodeRsBcrypt from "@node-rs/bcrypt";
import type { HashingQueue } from "./hashing-queue.ts";

export interface PasswordsOptions {
  /** bcrypt's cost: each step doubles the time. */
  readonly cost: number;
  /** A key outside the database: a leak of the database alone is useless for guessing. */
  readonly pepper: string | null;
  /** Earlier peppers, to verify hashes that were made with them. */
  readonly previousPeppers: readonly string[];
  /** Default: the real one. Tests count its work. */
  readonly bcrypt?: Bcrypt;
  readonly queue: HashingQueue;
}

type Bcrypt = Pick<typeof nodeRsBcrypt, "hash" | "compare">;

export type Verification =
  | { readonly matches: false }
  /** `upgrade`: a better stored form of the same password, which the caller stores. */
  | { readonly matches: true; readonly upgrade: string | null };

export type Passwords = ReturnType<typeof createPasswords>;

const prefix = "hmac-sha384";

const bcryptLimitBytes = 72;

/** Not a secret: without a `PEPPER`, the HMAC only reduces a password of any length to 48 bytes. */
const noPepper = { id: "none", key: "lockstep:password" };

const pepperOf = (key: string) => ({ id: createHash("sha256").update(key).digest("hex").slice(0, 16), key });

/** The names of the keys that verify stored passwords with these peppers. */
export const pepperNames = (peppers: readonly string[]): readonly string[] => [
  noPepper.id,
  ...peppers.map((pepper) => pepperOf(pepper).id),
];

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

  // An unknown account must fail as slowly as a known one: a hash that no password matches.
  const nobody = { pepperId: current.id, bcrypt: `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}` };

  /**
   * Makes a failure at a lower cost take as long as one at full cost: 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) = 2^cost.
   */
  const topUp = async (from: number) => {
    for (let step = from; step < cost; step++) await bcryptHash("", { cost: step });
  };

  const verify = async (password: string, stored: string | null): Promise<Verification> => {
    const form = stored === null ? null : parseStored(stored);
    const key = form?.pepperId ? keys.get(form.pepperId) : undefined;
    const usable = form !== null && (form.pepperId === null || key !== undefined);
    const { bcrypt, pepperId } = usable ? form : nobody;
    const typed = pepperId === null ? password : folded(password, key ?? current.key);

    // The code that made an imported hash may have stopped at a NUL: then every password with the same beginning would
    // match.
    const comparable = pepperId !== null || (password !== "" && !password.includes("\0"));
    const matches = (await compare(typed, bcrypt)) && usable && comparable;
    const { cost: storedCost } = nodeRsBcrypt.parseOptions(bcrypt);
    if (!matches) {
      await topUp(storedCost);
      return { matches };
    }
    const upToDate = pepperId === current.id && storedCost >= cost;
    // Plain bcrypt reads 72 bytes, so this hash may be of a truncated password. Do not upgrade it: the owner may type
    // the whole password or the truncated one, and the upgraded form would refuse one of them.
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
     * Checks a password against a stored form. `null`: the account has no password, or does not exist. All failures
     * take the same time. The caller stores `upgrade`, if present. `shares` names the account and the address
     * (`hashing-queue.ts`).
     * @throws DomainError `OVERLOADED`
     */
    verify: (password: string, stored: string | null, shares: readonly string[] = []): Promise<Verification> =>
      queue.run(() => verify(password, stored), shares),

    /** The stored form of an imported bcrypt hash; `null`: it is not a bcrypt hash. */
    import: (bcrypt: string): string | null => (plainBcrypt.test(bcrypt) ? bcrypt : null),
  };
};

/**
 * `$2a$`, `$2b$`, `$2y$`, two digits of cost from 04 to 16 (31 would take a day), 22 characters of salt and 31 of hash.
 * Both must end in a character whose unused bits are 0: the verifier throws on others.
 */
const plainBcrypt = /^\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

/** The same characters can be typed in several ways (NIST SP 800-63B-4 §3.1.1.2: normalize before hashing). */
const folded = (password: string, key: string) =>
  createHmac("sha384", key).update(password.normalize("NFKC"), "utf8").digest("base64");

/** `pepperId` is `null` for a plain bcrypt hash. */
const parseStored = (stored: string): { pepperId: string | null; bcrypt: string } => {
  if (stored.startsWith("$2")) return { pepperId: null, bcrypt: stored };
  const [scheme, pepperId, bcrypt] = stored.split(":");
  if (scheme !== prefix || !pepperId || !bcrypt) throw new Error("A stored password has an unknown form");
  return { pepperId, bcrypt };
};
