// Owns the table of people with an account: reading, locking and writing rows. Who writes them, with an audit entry:
// `accounts.ts`. Passwords: `passwords.ts`.

import { EmailAddress, type User } from "@lockstep/kit";
import type { ExpressionBuilder, Selectable } from "kysely";
import { type Db, isUniqueViolation } from "../../db/database.ts";
import type { EmailProof, Schema, UsersTable } from "../../db/schema.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";

export interface NewUser {
  /** Lower case, as the contract's `Username` parses it. */
  readonly username: string;
  /** The username in plain letters, which no other account may have that has one. Default: none, the name is free. */
  readonly plainUsername?: string | null;
  readonly email: string | null;
  /** Who says that the address is theirs. Default: nobody. */
  readonly emailProof?: EmailProof | null;
  readonly fullName: string;
  readonly role: string;
  /** Default: `false`. */
  readonly disabled?: boolean;
  /** Whether an operator requires a second factor. Default: `false`. */
  readonly factorRequired?: boolean;
  /** From `passwords.hash` or `passwords.import`. `null`: no password opens this account. */
  readonly passwordHash: string | null;
}

export interface LockedUser {
  readonly user: User;
  readonly passwordHash: string | null;
  /** Who says that the address is theirs. `null`: nobody. */
  readonly emailProof: EmailProof | null;
  /** Whether an operator requires a second factor. */
  readonly factorRequired: boolean;
  /** When the grace period of `SECOND_FACTOR` ends: epoch milliseconds. `null`: it has not begun. */
  readonly factorDueAt: number | null;
}

/** The account that a typed name belongs to. */
export interface FoundUser {
  readonly user: User;
  readonly passwordHash: string | null;
  /** When it is deleted, if its owner can still cancel that: epoch milliseconds. `null`: it is not, or they cannot. */
  readonly deletesAt: number | null;
}

/** The form in which usernames and e-mail addresses are stored and compared. */
export const normalizeLogin = (login: string): string =>
  EmailAddress.safeParse(login).data ?? login.trim().normalize("NFKC").toLowerCase();

/**
 * The name under which failed sign-ins are counted, with passwords and with codes alike: the account's, or that of the typed
 * text when no account has it.
 * @param asked of the typed text, from `proofs.asked("sign_in", …)`, which is all that a proof has of it
 */
export const accountKey = (userId: string | null, asked = ""): string =>
  userId === null ? `name:${asked}` : `user:${userId}`;

/** Whether codes may be sent to the account: an address that nobody has proved may be another person's. */
export const canGetMail = (user: User): user is User & { email: string } =>
  user.email !== null && user.emailVerified && !user.disabled;

export type Users = ReturnType<typeof createUsers>;

export const createUsers = ({ db, now, random }: { db: Db; now: Now; random: Random }) => ({
  /** `null`: another account has the username or the e-mail address. */
  async create(user: NewUser): Promise<User | null> {
    const [created] = await this.createAll([user]);
    return created ?? null;
  },

  /**
   * Creates the users whose username, its plain form and e-mail address are free, and returns them. One statement: it succeeds for all
   * of them or for none. Pass at most a thousand.
   */
  async createAll(newUsers: readonly NewUser[], transaction: Db = db): Promise<User[]> {
    const rows = await transaction
      .insertInto("users")
      .values(
        newUsers.map((user) => ({
          id: randomId(random),
          username: user.username,
          plain_username: user.plainUsername ?? null,
          email: user.email,
          email_proof: user.email === null ? null : (user.emailProof ?? null),
          full_name: user.fullName,
          role: user.role,
          disabled: user.disabled ? (1 as const) : (0 as const),
          password_hash: user.passwordHash,
          factor_required: user.factorRequired ? (1 as const) : (0 as const),
          created_at: now(),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .execute();
    return rows.map(userFromRow);
  },

  /** Finds by ID. */
  async findWithPassword(id: string): Promise<{ user: User; passwordHash: string | null } | null> {
    const row = await db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
    return row ? { user: userFromRow(row), passwordHash: row.password_hash } : null;
  },

  async find(id: string, transaction: Db = db): Promise<User | null> {
    const row = await transaction.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
    return row ? userFromRow(row) : null;
  },

  /** Finds by username or e-mail address. A username contains no `@`, so the two never collide. */
  async findByLogin(login: string, transaction: Db = db): Promise<FoundUser | null> {
    const name = normalizeLogin(login);
    const row = await transaction
      .selectFrom("users")
      .leftJoin("deletions", (join) =>
        join.onRef("deletions.user_id", "=", "users.id").on((eb) => isCancellableByOwner(eb)),
      )
      .selectAll("users")
      .select("deletions.deletes_at")
      .where(name.includes("@") ? "users.email" : "users.username", "=", name)
      .executeTakeFirst();
    return row ? { user: userFromRow(row), passwordHash: row.password_hash, deletesAt: row.deletes_at } : null;
  },

  /** All users, ordered by username. `after`: only those that come later. */
  async list({ after = "", limit }: { after?: string; limit: number }): Promise<User[]> {
    const rows = await db
      .selectFrom("users")
      .selectAll()
      .where("username", ">", after)
      .orderBy("username")
      .limit(limit)
      .execute();
    return rows.map(userFromRow);
  },

  /** `null`: the user does not exist. */
  async rename(id: string, fullName: string, transaction: Db = db): Promise<User | null> {
    const row = await transaction
      .updateTable("users")
      .set({ full_name: fullName })
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst();
    return row ? userFromRow(row) : null;
  },

  /** @throws DomainError `EMAIL_TAKEN`. `null`: the user does not exist. */
  async setEmail(
    id: string,
    { email, proof }: { readonly email: string | null; readonly proof: EmailProof | null },
    transaction: Db = db,
  ): Promise<User | null> {
    try {
      const row = await transaction
        .updateTable("users")
        .set({ email, email_proof: email === null ? null : proof })
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      return row ? userFromRow(row) : null;
    } catch (error) {
      if (isUniqueViolation(error)) throw new DomainError("EMAIL_TAKEN");
      throw error;
    }
  },

  /** Takes an address from the account that has it without a proof, except `keeper`, and returns that account's ID. */
  async releaseEmail(email: string, keeper: string | null, transaction: Db): Promise<string | null> {
    const row = await transaction
      .updateTable("users")
      .set({ email: null })
      .where("email", "=", email)
      .where("email_proof", "is", null)
      .where("id", "!=", keeper ?? "")
      .returning("id")
      .executeTakeFirst();
    return row?.id ?? null;
  },

  async setDisabled(id: string, disabled: boolean, transaction: Db = db): Promise<void> {
    await transaction
      .updateTable("users")
      .set({ disabled: disabled ? 1 : 0 })
      .where("id", "=", id)
      .execute();
  },

  /** `null`: no password opens the account any more. */
  async replacePasswordHash(id: string, passwordHash: string | null, transaction: Db = db): Promise<void> {
    await transaction.updateTable("users").set({ password_hash: passwordHash }).where("id", "=", id).execute();
  },

  async hasPassword(id: string, transaction: Db = db): Promise<boolean> {
    const row = await transaction
      .selectFrom("users")
      .select("id")
      .where("id", "=", id)
      .where("password_hash", "is not", null)
      .executeTakeFirst();
    return row !== undefined;
  },

  /** Locks the user's row until the transaction ends. */
  async lockUser(id: string, transaction: Db): Promise<void> {
    await transaction.updateTable("users").set({ id }).where("id", "=", id).execute();
  },

  /**
   * Locks the user's row until the transaction ends, and returns what decides about it. `null`: the user is disabled or
   * was deleted.
   */
  async lockEnabledUser(id: string, transaction: Db): Promise<LockedUser | null> {
    const row = await transaction
      .updateTable("users")
      .set({ id })
      .where("id", "=", id)
      .where("disabled", "=", 0)
      .returningAll()
      .executeTakeFirst();
    return row ? lockedFromRow(row) : null;
  },

  /** What `SECOND_FACTOR` looks at, without a lock. `null`: the user does not exist. */
  async findForPolicy(id: string): Promise<Omit<LockedUser, "passwordHash" | "emailProof"> | null> {
    const row = await db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
    return row ? lockedFromRow(row) : null;
  },

  /** An operator requires a second factor of a user, or no longer does. */
  async requireFactor(id: string, required: boolean, transaction: Db = db): Promise<void> {
    await transaction
      .updateTable("users")
      .set({ factor_required: required ? 1 : 0 })
      .where("id", "=", id)
      .execute();
  },
});

/** Deletions that the account's owner asked for and can still cancel. */
export const isCancellableByOwner = (eb: ExpressionBuilder<Schema, "deletions">) =>
  eb.and([
    eb("deletions.requested_by", "=", "owner"),
    eb("deletions.started_at", "is", null),
    eb("deletions.was_disabled", "=", 0),
  ]);

type UserRow = Omit<
  Selectable<UsersTable>,
  "password_hash" | "plain_username" | "factor_required" | "factor_due_at" | "factor_reset_at"
>;

const lockedFromRow = (row: Selectable<UsersTable>): LockedUser => ({
  user: userFromRow(row),
  passwordHash: row.password_hash,
  emailProof: row.email_proof,
  factorRequired: row.factor_required === 1,
  factorDueAt: row.factor_due_at,
});

/** The columns of a `User` in a query that joins the table of users to another one. `userFromJoin` reads them. */
export const userColumns = [
  "users.id as user_id",
  "users.username",
  "users.email",
  "users.email_proof",
  "users.full_name",
  "users.role",
  "users.disabled",
  "users.created_at as user_created_at",
] as const;

/** The `User` of a row with `userColumns`. */
export const userFromJoin = (
  row: Omit<UserRow, "id" | "created_at"> & { user_id: string; user_created_at: number },
): User => userFromRow({ ...row, id: row.user_id, created_at: row.user_created_at });

const userFromRow = (row: UserRow): User => ({
  id: row.id,
  username: row.username,
  email: row.email,
  emailVerified: row.email !== null && row.email_proof !== null,
  fullName: row.full_name,
  role: row.role,
  disabled: row.disabled === 1,
  createdAt: row.created_at,
});
