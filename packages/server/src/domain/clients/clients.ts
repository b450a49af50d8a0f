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

/** The details of a client, without its name. */
export type ClientDetails = Omit<RegisterClientInput, "name">;

/** A registration as it is stored. Only its format reads it. */
export type StoredRegistration = Readonly<Record<string, unknown>>;

/** The format of stored registrations. The authorization server owns it: `authorization-server/registrations.ts`. */
export interface RegistrationFormat {
  /** The registration of a client with these details. */
  encode(details: ClientDetails): StoredRegistration;
  /** The details in a registration, which may contain more than details can express. */
  decode(registration: StoredRegistration): ClientDetails;
  /** The registration with every detail replaced in which `after` differs from `before`. The rest stays. */
  change(registration: StoredRegistration, before: ClientDetails, after: ClientDetails): StoredRegistration;
  /** Whether the client authenticates with a secret. */
  usesSecret(registration: StoredRegistration): boolean;
}

/** Who may change a client: the person who registered it, or an operator. */
export type Owner = { readonly userId: string } | "operator";

/** Exceptions that only an operator can give a client. A change by its owner withdraws them. */
export type Exceptions = Pick<OAuthClient, "mayIntrospect" | "mayOmitPkce" | "assertsToTokenEndpoint">;

export type Clients = ReturnType<typeof createClients>;

type Row = Selectable<ClientsTable>;

/** How long an unused client that registered over the wire is kept. */
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
  /** The product's name, which unverified clients may not use. */
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

  /** A client as the consent page shows it. */
  const viewFromRow = (row: Pick<Row, "id" | "name" | "metadata" | "verified">): ClientView => ({
    id: row.id,
    name: row.name,
    uri: registrations.decode(parse(row.metadata)).uri,
    verified: row.verified === 1,
  });

  /** 256 random bits: a plain hash is enough. */
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
        // An owner or operator is now responsible for it.
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

  /** @throws DomainError `INVALID_INPUT` for a scope that the contract does not have */
  const checkScopes = (names: readonly string[]) => {
    const issues = names.flatMap((name, index) =>
      scopes.has(name) ? [] : { path: ["scopes", index], message: "Must be a scope of this service" },
    );
    if (issues.length > 0) throw new DomainError("INVALID_INPUT", { issues });
  };

  /** @throws DomainError `CLIENT_NAME_REFUSED`. An operator may use any name. */
  const checkName = async (name: string, owner: Owner) => {
    const explanation = owner === "operator" ? null : await clientNameProblem(name, productName);
    if (explanation !== null) throw new DomainError("CLIENT_NAME_REFUSED", { explanation });
  };

  return {
    newSecret,
    viewFromRow,

    /** Why an unverified client may not have this name, in one sentence; `null`: it may. */
    nameProblem: (name: string) => clientNameProblem(name, productName),

    /**
     * Registers a client. An operator's client is verified.
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

    /** Registers a client of our own, or updates it to this description. */
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
     * Stores a registration that came over the wire (RFC 7591), which the authorization server has validated. It is
     * deleted after 30 days unless the client is used. `anonymous`: nobody authenticated.
     */
    async registerOverWire(
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
      const isRecorded = !anonymous || (await anonymousEntries.mayRecord(source));
      await db.transaction().execute(async (transaction) => {
        await transaction.insertInto("applications").values(row).execute();
        if (isRecorded) await audited("client.register", row, source, transaction);
      });
    },

    /** Keeps a client for good that has been used. */
    async markUsed(id: string): Promise<void> {
      const row = await find(id);
      if (row?.unused_expires_at == null) return;
      await db.updateTable("applications").set({ unused_expires_at: null }).where("id", "=", id).execute();
    },

    /** Deletes up to `limit` clients that were not used in time, and returns how many. */
    async deleteUnused(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("applications")
        .where("id", "in", (query) =>
          query.selectFrom("applications").select("id").where("unused_expires_at", "<=", now()).limit(limit),
        )
        // It may have been used since it was selected.
        .where("unused_expires_at", "<=", now())
        .executeTakeFirst();
      return Number(numDeletedRows);
    },

    async find(id: string): Promise<OAuthClient | null> {
      const row = await find(id);
      return row ? clientFromRow(row) : null;
    },

    /** Whether a client's own token is valid: the client exists, and the token is not revoked. */
    async accepts(id: string, tokenId: string): Promise<boolean> {
      const [row, revoked] = await Promise.all([find(id), spentIds.isSpent("access-token", tokenId)]);
      return row !== null && !revoked;
    },

    /** The client as the consent page shows it. */
    async view(id: string): Promise<ClientView | null> {
      const row = await find(id);
      return row ? viewFromRow(row) : null;
    },

    /** The client as the authorization server reads it. */
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

    /** The clients of one person or, for an operator, all of them, ordered by name. */
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
     * Replaces a registration's details and keeps what details cannot express. `null`: the owner has no such client.
     *
     * A change by its owner withdraws verification and exceptions, and people are asked for consent again: the owner's
     * account may have been taken over (OAuth 2.1 §7.3). Grants stay, since their tokens belong to the client that was
     * granted them. A change by an operator affects none of this.
     * @throws DomainError `INVALID_INPUT`, `CLIENT_NAME_REFUSED`
     */
    async update(id: string, input: RegisterClientInput, owner: Owner, source: Source): Promise<OAuthClient | null> {
      checkScopes(input.scopes);
      await checkName(input.name, owner);
      const known = await find(id);
      if (!known) return null;
      const stored = parse(known.metadata);
      const metadata = JSON.stringify(registrations.change(stored, detailsOf(stored), input));
      // One statement, so that an operator's concurrent verification happens entirely before or after it.
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

    /** Marks a client as verified, or no longer. `null`: there is none. */
    async setVerified(id: string, verified: boolean, source: Source): Promise<OAuthClient | null> {
      const row = await change(id, "operator", "client.verify", { verified: verified ? 1 : 0 }, source);
      return row && clientFromRow(row);
    },

    /** Sets exceptions of one client; those left out stay. `null`: there is no such client. */
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
     * @throws DomainError `CLIENT_HAS_NO_SECRET` when it authenticates without one
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

    /** Deletes a client with all its grants. `false`: the owner has no such client. */
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

/** Whether the secret has this hash, in constant time. */
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
