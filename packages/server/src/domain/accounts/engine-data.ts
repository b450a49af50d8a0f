// Owns the engine's part of the map of personal data (`db/personal-data.ts`): for each table, the rows that are about a
// person. A table without an entry does not compile.

import type { Expression, ExpressionBuilder, Selectable, SqlBool } from "kysely";
import type { Person, PersonRows } from "../../db/personal-data.ts";
import type { Schema } from "../../db/schema.ts";
import type { Audit } from "../kernel/audit.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Messages } from "../mail/messages.ts";
import type { Proofs } from "./proofs.ts";
import { accountKey } from "./users.ts";

type Columns<T extends keyof Schema> = keyof Selectable<Schema[T]> & string;

interface Described<T extends keyof Schema> {
  readonly where: (eb: ExpressionBuilder<Schema, T>, person: Person) => Expression<SqlBool>;
  /** Default: `id`. */
  readonly key?: Columns<T> | readonly Columns<T>[];
  /** Secrets, and hashes and MACs of secrets and names. */
  readonly leaveOut?: readonly Columns<T>[];
  readonly anonymize?: (person: Person) => Partial<Selectable<Schema[T]>>;
  /** Rows of others that are deleted as well, and are in no export. */
  readonly alsoDeletes?: Described<T>["where"];
}

type EngineData = { readonly [T in keyof Schema]: Described<T> | "not_personal" };

/** The engine's rows about people. `erased` is in the order of deletion, without the user, who is deleted last. */
export interface EngineRows {
  readonly exported: readonly PersonRows[];
  readonly erased: readonly PersonRows[];
}

// biome-ignore lint/suspicious/noExplicitAny: of any table with the named column
type AnyBuilder = ExpressionBuilder<any, any>;

const ofUser = (eb: AnyBuilder, { id }: Person): Expression<SqlBool> => eb("user_id", "=", id);

const among = (eb: AnyBuilder, column: string, values: readonly string[]): Expression<SqlBool> =>
  values.length === 0 ? eb.lit(false) : eb(column, "in", values);

export const createEngineRows = ({
  audit,
  throttle,
  messages,
  proofs,
}: {
  audit: Pick<Audit, "withoutPerson">;
  throttle: Pick<Throttle, "idsOf">;
  messages: Pick<Messages, "recipientsOf" | "limitName">;
  proofs: Pick<Proofs, "askedOf">;
}): EngineRows => {
  const owned = { where: ofUser };

  /** The names of the counters about a person. */
  const countersOf = ({ id, username, addresses }: Person): string[] => {
    const typed = [username, ...addresses].flatMap((text) => proofs.askedOf(text));
    const asked = [...typed, ...proofs.askedOf(id)];
    const recipients = addresses.flatMap(messages.recipientsOf);
    return [
      ...[accountKey(id), ...typed.map((text) => accountKey(null, text))].flatMap((key) => [
        `account:${key}`,
        `devices:${key}`,
      ]),
      ...[...asked, id].map((name) => `proof:${name}`),
      ...recipients.map(messages.limitName),
    ];
  };

  const data: EngineData = {
    throttles: { where: (eb, person) => eb("id", "in", throttle.idsOf(countersOf(person))), leaveOut: ["id"] },
    oauth_records: {
      where: (eb, { id }) =>
        eb.or([
          eb("user_id", "=", id),
          eb("grant_id", "in", eb.selectFrom("grants").select("grants.id").where("grants.user_id", "=", id)),
          eb("session_id", "in", eb.selectFrom("sessions").select("sessions.id").where("sessions.user_id", "=", id)),
        ]),
      // What others were issued for clients that are deleted with their owner.
      alsoDeletes: (eb, { id }) =>
        eb(
          "grant_id",
          "in",
          eb
            .selectFrom("grants")
            .innerJoin("applications", "applications.id", "grants.application_id")
            .select("grants.id")
            .where("applications.owner_id", "=", id),
        ),
      // IDs and aliases are hashes of tokens.
      leaveOut: ["id", "alias", "payload"],
    },
    provider_sessions: {
      key: "session_id",
      where: (eb, { id }) =>
        eb("session_id", "in", eb.selectFrom("sessions").select("sessions.id").where("sessions.user_id", "=", id)),
      leaveOut: ["id_token_jwe"],
    },
    sessions: { ...owned, leaveOut: ["seed"] },
    identities: owned,
    factors: { ...owned, leaveOut: ["material"] },
    recovery_codes: { ...owned, key: ["user_id", "selector"], leaveOut: ["selector", "code_hash"] },
    trusted_devices: { ...owned, leaveOut: ["device_hash"] },
    grants: owned,
    applications: { where: (eb, { id }) => eb("owner_id", "=", id), leaveOut: ["secret_hash"] },
    messages: {
      where: (eb, person) =>
        eb.or([ofUser(eb, person), among(eb, "recipient", person.addresses.flatMap(messages.recipientsOf))]),
      leaveOut: ["recipient", "payload", "claim"],
    },
    proofs: {
      where: (eb, person) => eb.or([ofUser(eb, person), among(eb, "email", person.addresses)]),
      leaveOut: ["asked", "code_mac", "link_hash", "browser_hash"],
    },
    invitations: { key: "email", where: (eb, { addresses }) => among(eb, "email", addresses) },
    audit_log: { ...owned, anonymize: ({ pseudonym }) => audit.withoutPerson(pseudonym ?? "") },
    users: { where: (eb, { id }) => eb("id", "=", id), leaveOut: ["password_hash"] },
    deletions: { ...owned, key: "user_id", leaveOut: ["pseudonym"] },
    // What servers told each other about sessions, of several users in a row, within the last minutes.
    news: { where: (eb) => eb.lit(false), alsoDeletes: (eb, { id }) => eb("payload", "like", `%"${id}"%`) },
    signing_keys: "not_personal",
    rsa_signing_keys: "not_personal",
    // Hashes of random IDs that expire within days, and of networks of devices that expire within a day.
    spent_ids: "not_personal",
  };

  const exported: PersonRows[] = [];
  const erased: PersonRows[] = [];
  for (const [table, described] of Object.entries(data) as [string, Described<keyof Schema> | "not_personal"][]) {
    if (described === "not_personal") continue;
    const { where, key = "id", leaveOut = [], anonymize = null, alsoDeletes } = described;
    const rows = { table, key: [key].flat(), leaveOut, where: where as PersonRows["where"], anonymize };
    exported.push(rows);
    if (deletedLast.has(table)) continue;
    if (alsoDeletes) erased.push({ ...rows, where: alsoDeletes as PersonRows["where"] });
    erased.push(rows);
  }
  return { exported, erased };
};

const deletedLast: ReadonlySet<string> = new Set<keyof Schema>(["users", "deletions"]);
