// Owns which usernames a new account may have when a person or an identity provider chooses it: free, not reserved, and
// not like another one in look-alike letters. Operators choose freely. A username never equals an e-mail address, since
// it contains no `@`.

import { usernameFrom } from "@lockstep/kit";
import { sql } from "kysely";
import type { Db } from "../../db/database.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Random, randomId } from "../kernel/environment.ts";
import { loadLookAlikes } from "../kernel/look-alikes.ts";

/** Names that seem to speak for the service, and mailboxes of its domain (RFC 2142). */
const reserved = [
  ..."admin administrator root sysadmin system moderator operator owner staff team official".split(" "),
  ..."support help helpdesk service security abuse noc contact info sales billing legal privacy".split(" "),
  ..."postmaster hostmaster webmaster mailer-daemon noreply no-reply mail news".split(" "),
  ..."account accounts user users me self login signin signup register settings api www".split(" "),
  ..."anonymous nobody everyone null undefined unknown deleted".split(" "),
];

/** The suggestions to try before giving up. */
const maxSuggestions = 5;

export type UsernameProblem = "taken" | "reserved" | "look_alike";

const explanations: Readonly<Record<UsernameProblem, string>> = {
  taken: "This username is taken.",
  reserved: "This username is reserved.",
  look_alike: "This username looks like another one.",
};

/**
 * The form of every username in plain letters, as the index of the table has it. A username has no letters but ASCII's,
 * of which these look alike (UTS #39).
 */
export const plainUsername = sql<string>`replace(replace(replace(username, 'm', 'rn'), '1', 'l'), '0', 'o')`;

export type Usernames = ReturnType<typeof createUsernames>;

export const createUsernames = ({ db, random, productName }: { db: Db; random: Random; productName: string }) => {
  const plainFormOf = async (text: string): Promise<string> => {
    const { lookAlikeForms } = await loadLookAlikes();
    return lookAlikeForms(text.toLowerCase())[0] ?? "";
  };

  /** Without separators: `ad.min` is `admin`. */
  const withoutSeparators = (text: string) => text.replace(/[\s._-]/g, "");

  const isReserved = async (plain: string): Promise<boolean> => {
    const words = await Promise.all([...reserved, productName].map(plainFormOf));
    return words.some((word) => withoutSeparators(word) === withoutSeparators(plain));
  };

  const problemOf = async (username: string): Promise<UsernameProblem | null> => {
    const plain = await plainFormOf(username);
    if (await isReserved(plain)) return "reserved";
    const similar = await db
      .selectFrom("users")
      .select("username")
      .where(plainUsername, "=", plain)
      .orderBy((eb) => eb.case().when("username", "=", username).then(0).else(1).end())
      .executeTakeFirst();
    if (!similar) return null;
    return similar.username === username ? "taken" : "look_alike";
  };

  /** A username that was free a moment ago, like the wished one if possible. */
  const suggest = async (wished: string): Promise<string> => {
    const base = usernameFrom(wished) ?? "user";
    for (let attempt = 0; attempt < maxSuggestions; attempt++) {
      const username = attempt === 0 ? base : `${base}-${randomLetters(random)}`;
      if ((await problemOf(username)) === null) return username;
    }
    throw new Error("No free username was found");
  };

  const refused = async (problem: UsernameProblem, wished: string) =>
    new DomainError("USERNAME_REFUSED", {
      reason: problem,
      explanation: explanations[problem],
      suggestion: await suggest(wished),
    });

  return {
    suggest,
    refused,

    /** What to store with a username, so that of two look-alikes that are chosen at once, one is refused. */
    plainFormOf,

    /** @throws DomainError `USERNAME_REFUSED` with a suggestion */
    async assertAllowed(username: string): Promise<void> {
      const problem = await problemOf(username);
      if (problem !== null) throw await refused(problem, username);
    },
  };
};

const randomLetters = (random: Random): string => {
  const letters = randomId(random)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .slice(0, 6);
  return letters.length === 6 ? letters : randomLetters(random);
};
