// Owns OAuth clients: who registered one, how it authenticates, and where it may redirect people. A client is stored as
// its registration, in a format that the authorization server owns; everything else sees the contract's shapes of it. A
// secret is shown once and stored as a hash.

import { hash, timingSafeEqual } from "node:crypto";
import type { ClientView, OAuthClient, RegisterClientInput, RegisteredClient } from "@lockstep/kit";
import { type Selectable, sql, type UpdateObject } from "kysely";
import type { Db } from "../../db/database.ts";
import type { ClientsTable, Schema } from "../../db/schema.ts";
import type { AnonymousEntries } from "../kernel/anonymous-entries.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { SpentIds } from "../kernel/spent-ids.ts";
import type { Scopes } from "../tokens/scopes.ts";
import { clientNameProblem } from "./client-names.ts";

/** What a client is and what it may do: what the one who registers it says, but for its name. */
export type ClientDetails = Omit<RegisterClientInput, "name">;

/** A registration as it is stored. Only its format reads it. */
export type StoredRegistration = Readonly<Record<string, unknown>>;

/** The format of stored registrations. The authorization server owns it: `authorization-server/registrations.ts`. */
export interface RegistrationFormat {
  /** The registration of a client with these details. */
  encode(details: ClientDetails): StoredRegistration;
  /** The details that a registration holds. It may hold more than details can say. */
  decode(registration: StoredRegistration): ClientDetails;
  /** The registration with every detail replaced in which `after` differs from `before`. The rest stays. */
  change(registration: StoredRegistration, before: ClientDetails, after: ClientDetails): StoredRegistration;
  /** Whether the client authenticates with a secret. */
  usesSecret(registration: StoredRegistration): boolean;
}

/** Who may change a client: the person who registered it, or an operator. */
export type Owner = { readonly userId: string } | "operator";

/** What only an operator can allow one client, and a change by its owner takes away. */
export type Exceptions = Pick<OAuthClient, "mayIntrospect" | "mayOmitPkce" | "assertsToTokenEndpoint">;

export type Clients = ReturnType<typeof createClients>;

type Row = Selectable<ClientsTable>;

/** How long a client that registered over the wire stays without being used. */
const unusedLifetimeMs = 30 * 24 * 60 * 60 * 1000;

export const createClients = ({
  db,
  now,
  random,
  spentIds,
  audit,
  anonymousEntries,
  productName,
  scopes,
  registrations,
}: {
  db: Db;
  now: Now;
  random: Random;
  spentIds: SpentIds;
  audit: Audit;
  anonymousEntries: AnonymousEntries;
  /** What this service is called: no client that nobody vouches for is called so. */
  productName: string;
  scopes: Scopes;
  registrations: RegistrationFormat;
}) => {
  const detailsOf = (registration: StoredRegistration): ClientDetails => {
    const details = registrations.decode(registration);
    return { ...details, scopes: details.scopes.filter(scopes.has) };
  };

  const clientFromRow = (row: Row): OAuthClient => ({
    id: row.id,
    name: row.name,
    ...detailsOf(parse(row.metadata)),
    verified: row.verified === 1,
    ...exceptionsOf(row),
    createdAt: row.created_at,
  });

  /** What a person who is asked for consent sees of a client. */
  const viewFromRow = (row: Pick<Row, "id" | "name" | "metadata" | "verified">): ClientView => ({
    id: row.id,
    name: row.name,
    uri: registrations.decode(parse(row.metadata)).uri,
    verified: row.verified === 1,
  });

  /** 256 random bits: a plain hash of it cannot be turned back. */
  const newSecret = () => Buffer.from(random(32)).toString("base64url");

  const audited = (
    action: Extract<AuditAction, `client.${string}`>,
    row: Pick<Row, "id" | "owner_id">,
    source: Source,
    transaction: Db,
  ) => audit.record({ action, userId: row.owner_id, detail: { client: row.id }, source }, transaction);

  const change = (
    id: string,
    owner: Owner,
    action: Extract<AuditAction, `client.${string}`>,
    values: UpdateObject<Schema, "applications">,
    source: Source,
  ): Promise<Row | null> =>
    db.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable("applications")
        // Somebody answers for it from now on.
        .set({ ...values, unused_expires_at: null })
        .where("id", "=", id)
        .$if(owner !== "operator", (query) => query.where("owner_id", "=", owner === "operator" ? "" : owner.userId))
        .returningAll()
        .executeTakeFirst();
      if (row) await audited(action, row, source, transaction);
      return row ?? null;
    });

  const find = async (id: string): Promise<Row | null> => {
    // Untrusted input: reject anything that is not an ID.
    if (!clientId.test(id)) return null;
    return (await db.selectFrom("applications").selectAll().where("id", "=", id).executeTakeFirst()) ?? null;
  };

  /** @throws DomainError `INVALID_INPUT` for a scope that is not the contract's. */
  const checkScopes = (names: readonly string[]) => {
    const issues = names.flatMap((name, index) =>
      scopes.has(name) ? [] : { path: ["scopes", index], message: "Must be a scope of this service" },
    );
    if (issues.length > 0) throw new DomainError("INVALID_INPUT", { issues });
  };

  /** @throws DomainError `CLIENT_NAME_REFUSED`. An operator gives a client any name, and vouches for it. */
  const checkName = async (name: string, owner: Owner) => {
    const explanation = owner === "operator" ? null : await clientNameProblem(name, productName);
    if (explanation !== null) throw new DomainError("CLIENT_NAME_REFUSED", { explanation });
  };

  return {
    newSecret,
    viewFromRow,

    /** Why nobody may register a client of this name, in a sentence; `null`: anybody may. */
    nameProblem: (name: string) => clientNameProblem(name, productName),

    /**
     * Registers a client. An operator's is verified: they know whose it is.
     * @throws DomainError `INVALID_INPUT`, `CLIENT_NAME_REFUSED`
     */
    async register(input: RegisterClientInput, owner: Owner, source: Source): Promise<RegisteredClient> {
      checkScopes(input.scopes);
      await checkName(input.name, owner);
      const registration = registrations.encode(input);
      const secret = registrations.usesSecret(registration) ? newSecret() : null;
      const row: Row = {
        id: randomId(random),
        name: input.name,
        secret_hash: secret === null ? null : secretHash(secret),
        metadata: JSON.stringify(registration),
        verified: owner === "operator" ? 1 : 0,
        may_introspect: 0,
        may_omit_pkce: 0,
        asserts_to_token_endpoint: 0,
        revision: 0,
        owner_id: owner === "operator" ? null : owner.userId,
        created_at: now(),
        unused_expires_at: null,
      };
      await db.transaction().execute(async (transaction) => {
        await transaction.insertInto("applications").values(row).execute();
        await audited("client.register", row, source, transaction);
      });
      return { client: clientFromRow(row), secret };
    },

    /** Makes a client of our own be there, as it is described here. */
    async ensure(id: string, input: RegisterClientInput): Promise<void> {
      const metadata = JSON.stringify(registrations.encode(input));
      const known = await find(id);
      if (known?.metadata === metadata && known.name === input.name) return;
      const row = { name: input.name, metadata, verified: 1 as const };
      await db
        .insertInto("applications")
        .values({ id, secret_hash: null, owner_id: null, created_at: now(), ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },

    /**
     * Stores a registration that came over the wire (RFC 7591), whose form the authorization server has checked, for 30
     * days; a client that is used within them stays. `anonymous`: it came from anybody.
     */
    async takeIn(
      id: string,
      { name, secret, registration }: { name: string; secret: string | null; registration: StoredRegistration },
      source: Source,
      { anonymous = false } = {},
    ): Promise<void> {
      const row: Row = {
        id,
        name,
        secret_hash: secret === null ? null : secretHash(secret),
        metadata: JSON.stringify(registration),
        verified: 0,
        may_introspect: 0,
        may_omit_pkce: 0,
        asserts_to_token_endpoint: 0,
        revision: 0,
        owner_id: null,
        created_at: now(),
        unused_expires_at: now() + unusedLifetimeMs,
      };
      const isRecorded = !anonymous || (await anonymousEntries.take(source));
      await db.transaction().execute(async (transaction) => {
        await transaction.insertInto("applications").values(row).execute();
        if (isRecorded) await audited("client.register", row, source, transaction);
      });
    },

    /** Makes a client stay that has been used. */
    async keep(id: string): Promise<void> {
      const row = await find(id);
      if (row?.unused_expires_at == null) return;
      await db.updateTable("applications").set({ unused_expires_at: null }).where("id", "=", id).execute();
    },

    /** Deletes up to `limit` clients that were not used in time, and answers how many. */
    async deleteUnused(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("applications")
        .where("id", "in", (query) =>
          query.selectFrom("applications").select("id").where("unused_expires_at", "<=", now()).limit(limit),
        )
        // One that is used at this moment stays.
        .where("unused_expires_at", "<=", now())
        .executeTakeFirst();
      return Number(numDeletedRows);
    },

    async find(id: string): Promise<OAuthClient | null> {
      const row = await find(id);
      return row ? clientFromRow(row) : null;
    },

    /** Whether a token of a client can still be good: the client is there, the token not revoked. */
    async accepts(id: string, tokenId: string): Promise<boolean> {
      const [row, revoked] = await Promise.all([find(id), spentIds.isSpent("access-token", tokenId)]);
      return row !== null && !revoked;
    },

    /** What a person sees of it who is asked by it. */
    async view(id: string): Promise<ClientView | null> {
      const row = await find(id);
      return row ? viewFromRow(row) : null;
    },

    /** As the authorization server needs it. */
    async registrationOf(id: string): Promise<{
      name: string;
      secretHash: string | null;
      createdAt: number;
      verified: boolean;
      exceptions: Exceptions;
      revision: number;
      registration: StoredRegistration;
    } | null> {
      const row = await find(id);
      if (!row) return null;
      return {
        name: row.name,
        secretHash: row.secret_hash,
        createdAt: row.created_at,
        verified: row.verified === 1,
        exceptions: exceptionsOf(row),
        revision: row.revision,
        registration: parse(row.metadata),
      };
    },

    /** Those of one person, or of everybody: by name. */
    async list(owner: Owner): Promise<OAuthClient[]> {
      const rows = await db
        .selectFrom("applications")
        .selectAll()
        .$if(owner !== "operator", (query) => query.where("owner_id", "=", owner === "operator" ? "" : owner.userId))
        .orderBy("name")
        .orderBy("id")
        .execute();
      return rows.map(clientFromRow);
    },

    /**
     * Changes a registration to what is said here; what only the wire can say of a client stays. `null`: the owner has
     * no such client.
     *
     * A change by its owner makes it another client for everybody: it is verified no more, may introspect no more, and
     * each person is asked again, for the owner's account may be in other hands (OAuth 2.1 §7.3). Grants are kept,
     * since whoever holds their tokens is who got them. What an operator changes, an operator vouches for: that changes
     * none of this.
     * @throws DomainError `INVALID_INPUT`, `CLIENT_NAME_REFUSED`
     */
    async update(id: string, input: RegisterClientInput, owner: Owner, source: Source): Promise<OAuthClient | null> {
      checkScopes(input.scopes);
      await checkName(input.name, owner);
      const known = await find(id);
      if (!known) return null;
      const stored = parse(known.metadata);
      const metadata = JSON.stringify(registrations.change(stored, detailsOf(stored), input));
      // One statement: an operator who verifies it at this moment does so before the change, or after.
      const changed = sql<boolean>`(name <> ${input.name} or metadata <> ${metadata})`;
      const byOwner = {
        verified: sql<0 | 1>`case when ${changed} then 0 else verified end`,
        may_introspect: sql<0 | 1>`case when ${changed} then 0 else may_introspect end`,
        may_omit_pkce: sql<0 | 1>`case when ${changed} then 0 else may_omit_pkce end`,
        asserts_to_token_endpoint: sql<0 | 1>`case when ${changed} then 0 else asserts_to_token_endpoint end`,
        revision: sql<number>`case when ${changed} then revision + 1 else revision end`,
      };
      const values = { name: input.name, metadata, ...(owner !== "operator" && byOwner) };
      const row = await change(id, owner, "client.update", values, source);
      return row && clientFromRow(row);
    },

    /** Vouches for a client, or takes that back. `null`: there is none. */
    async setVerified(id: string, verified: boolean, source: Source): Promise<OAuthClient | null> {
      const row = await change(id, "operator", "client.verify", { verified: verified ? 1 : 0 }, source);
      return row && clientFromRow(row);
    },

    /** Makes exceptions for one client, or takes them back; what is left out stays. `null`: there is no such client. */
    async setExceptions(id: string, exceptions: Partial<Exceptions>, source: Source): Promise<OAuthClient | null> {
      const { mayIntrospect, mayOmitPkce, assertsToTokenEndpoint } = exceptions;
      const values = {
        ...(mayIntrospect !== undefined && { may_introspect: flag(mayIntrospect) }),
        ...(mayOmitPkce !== undefined && { may_omit_pkce: flag(mayOmitPkce) }),
        ...(assertsToTokenEndpoint !== undefined && { asserts_to_token_endpoint: flag(assertsToTokenEndpoint) }),
      };
      const row = await change(id, "operator", "client.update", values, source);
      return row && clientFromRow(row);
    },

    /**
     * Replaces a client's secret. `null`: the owner has no such client.
     * @throws DomainError `CLIENT_HAS_NO_SECRET`: it authenticates in another way
     */
    async rotateSecret(id: string, owner: Owner, source: Source): Promise<RegisteredClient | null> {
      const known = await find(id);
      if (!known || (owner !== "operator" && known.owner_id !== owner.userId)) return null;
      if (!registrations.usesSecret(parse(known.metadata))) throw new DomainError("CLIENT_HAS_NO_SECRET");
      const secret = newSecret();
      const values = { secret_hash: secretHash(secret) };
      const row = await change(id, owner, "client.rotate_secret", values, source);
      return row && { client: clientFromRow(row), secret };
    },

    /** Deletes a client, and with it all that it was granted. `false`: the owner has no such client. */
    delete: (id: string, owner: Owner, source: Source): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        const row = await transaction
          .deleteFrom("applications")
          .where("id", "=", id)
          .$if(owner !== "operator", (query) => query.where("owner_id", "=", owner === "operator" ? "" : owner.userId))
          .returningAll()
          .executeTakeFirst();
        if (row) await audited("client.delete", row, source, transaction);
        return row !== undefined;
      }),
  };
};

const clientId = /^[\w-]{1,200}$/;

export const secretHash = (secret: string): string => hash("sha256", secret, "base64url");

/** Whether a secret is the one of this hash; takes the same time for every wrong one. */
export const isSecretOf = (expected: string, secret: string): boolean => {
  const [a, b] = [Buffer.from(expected), Buffer.from(secretHash(secret))];
  return a.length === b.length && timingSafeEqual(a, b);
};

const flag = (set: boolean): 0 | 1 => (set ? 1 : 0);

const exceptionsOf = (row: Row): Exceptions => ({
  mayIntrospect: row.may_introspect === 1,
  mayOmitPkce: row.may_omit_pkce === 1,
  assertsToTokenEndpoint: row.asserts_to_token_endpoint === 1,
});

const parse = (metadata: string) => JSON.parse(metadata) as StoredRegistration;
