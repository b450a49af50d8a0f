// Owns other people's clients: who registered one, how it proves itself, and where it may send people. They
// are kept as their registration (RFC 7591), which the authorization server reads; the rest of us sees the contract's
// shapes of it. A secret is shown once, and stored as a hash.

import { hash, timingSafeEqual } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  type ClientKind,
  ClientName,
  type ClientView,
  identityScopes,
  NativeRedirectUri,
  type OAuthClient,
  type RegisterClientInput,
  type RegisteredClient,
  WebRedirectUri,
} from "@lockstep/kit";
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

/** A registration in the names of the wire, without `client_id`, `client_name` and `client_secret`. @see RFC 7591 §2 */
export interface Registration {
  readonly application_type?: string;
  readonly client_uri?: string;
  readonly redirect_uris?: readonly string[];
  readonly post_logout_redirect_uris?: readonly string[];
  readonly grant_types?: readonly string[];
  readonly response_types?: readonly string[];
  readonly token_endpoint_auth_method?: string;
  readonly scope?: string;
  readonly jwks_uri?: string;
  readonly backchannel_logout_uri?: string;
  readonly require_pushed_authorization_requests?: boolean;
  readonly dpop_bound_access_tokens?: boolean;
  readonly [name: string]: unknown;
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
}) => {
  const clientFromRow = (row: Row) => clientOf(row, scopes);

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
    // What is asked for comes from anybody, and may be no text that a database takes.
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

    /** Why nobody may register a client of this name, in a sentence; `null`: anybody may. */
    nameProblem: (name: string) => clientNameProblem(name, productName),

    /**
     * Registers a client. An operator's is verified: they know whose it is.
     * @throws DomainError `INVALID_INPUT`, `CLIENT_NAME_REFUSED`
     */
    async register(input: RegisterClientInput, owner: Owner, source: Source): Promise<RegisteredClient> {
      checkScopes(input.scopes);
      await checkName(input.name, owner);
      const secret = keepsSecret(input) ? newSecret() : null;
      const row: Row = {
        id: randomId(random),
        name: input.name,
        secret_hash: secret === null ? null : secretHash(secret),
        metadata: JSON.stringify(registrationOf(input)),
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
      const metadata = JSON.stringify(registrationOf(input));
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
      { name, secret, registration }: { name: string; secret: string | null; registration: Registration },
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
      registration: Registration;
    } | null> {
      const row = await find(id);
      if (!row) return null;
      const registration = JSON.parse(row.metadata) as Registration;
      return {
        name: row.name,
        secretHash: row.secret_hash,
        createdAt: row.created_at,
        verified: row.verified === 1,
        exceptions: exceptionsOf(row),
        revision: row.revision,
        registration,
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
      const metadata = JSON.stringify(merged(clientFromRow(known), JSON.parse(known.metadata), input));
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
      if (!usesSecret(JSON.parse(known.metadata))) throw new DomainError("CLIENT_HAS_NO_SECRET");
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

const keepsSecret = ({ kind, jwksUri }: Pick<OAuthClient, "kind" | "jwksUri">) =>
  (kind === "web" || kind === "service") && jwksUri === null;

/** Whether a client authenticates with a secret. Its registration may have come over the wire, with keys in it. */
const usesSecret = ({ token_endpoint_auth_method = "client_secret_basic" }: Registration) =>
  token_endpoint_auth_method.startsWith("client_secret_");

const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";

const grantTypes = {
  web: ["authorization_code", "refresh_token"],
  browser: ["authorization_code", "refresh_token"],
  native: ["authorization_code", "refresh_token", deviceCode],
  service: ["client_credentials"],
} satisfies Record<ClientKind, string[]>;

const registrationOf = (input: RegisterClientInput): Registration => {
  const forPeople = input.kind !== "service";
  return {
    application_type: input.kind === "native" ? "native" : "web",
    ...(input.uri !== null && { client_uri: input.uri }),
    redirect_uris: input.redirectUris,
    post_logout_redirect_uris: input.postLogoutRedirectUris,
    grant_types: grantTypes[input.kind],
    response_types: forPeople ? ["code"] : [],
    token_endpoint_auth_method: keepsSecret(input) ? "client_secret_basic" : input.jwksUri ? "private_key_jwt" : "none",
    ...(input.jwksUri !== null && { jwks_uri: input.jwksUri }),
    ...(input.backchannelLogoutUri !== null && {
      backchannel_logout_uri: input.backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
    ...(input.requirePushedRequests && { require_pushed_authorization_requests: true }),
    ...(input.requireDpop && { dpop_bound_access_tokens: true }),
    // Without any, the library would let it ask for all: `openid` means nothing to who acts for no person.
    scope: [...(forPeople ? Object.keys(identityScopes) : []), ...input.scopes].join(" ") || "openid",
  };
};

/**
 * A stored registration with what an input changes in it. It may have come over the wire, with more than an input can
 * say, or said in other words: what the input leaves as it was stays as it is stored.
 */
const merged = (known: OAuthClient, stored: Registration, input: RegisterClientInput): Registration => {
  const sameKind = known.kind === input.kind;
  const [before, after] = [registrationOf(known), registrationOf(input)];
  // An input says nothing about the scopes that stand for who the person is.
  const identity = (stored.scope ?? before.scope ?? "")
    .split(" ")
    .filter((scope) => Object.hasOwn(identityScopes, scope));
  const next: Registration = sameKind
    ? { ...after, scope: [...identity, ...input.scopes].join(" ") || "openid" }
    : after;
  const result: Record<string, unknown> = { ...stored };
  const changes = (name: string) => !sameKind || !isDeepStrictEqual(before[name], after[name]);
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!changes(name)) continue;
    if (next[name] === undefined) delete result[name];
    else result[name] = next[name];
  }
  // What goes with the way in which a client proved itself before, and is refused beside another.
  if (changes("jwks_uri")) delete result["jwks"];
  if (changes("token_endpoint_auth_method")) delete result["token_endpoint_auth_signing_alg"];
  return result;
};

/** What this registration must not say, in words; `null`: nothing. @see RFC 9700 §2.6, RFC 8252 §7 */
export const registrationProblem = (registration: Registration): string | null => {
  const { grant_types, token_endpoint_auth_method, redirect_uris, post_logout_redirect_uris } = registration;
  // RFC 6749 §4.4: anybody could be it.
  if (token_endpoint_auth_method === "none" && grant_types?.includes("client_credentials"))
    return "grant_types: client_credentials needs a client that can prove who it is";
  if (registration["client_name"] !== undefined) {
    const name = ClientName.safeParse(registration["client_name"]);
    if (!name.success) return `client_name: ${messagesOf(name.error)}`;
  }
  const RedirectUri = kindOf(registration) === "native" ? NativeRedirectUri : WebRedirectUri;
  for (const [property, uris] of Object.entries({ redirect_uris, post_logout_redirect_uris })) {
    for (const uri of uris ?? []) {
      const parsed = RedirectUri.safeParse(uri);
      if (!parsed.success) return `${property}: ${messagesOf(parsed.error)}`;
    }
  }
  return null;
};

const messagesOf = ({ issues }: { issues: readonly { message: string }[] }) =>
  issues.map(({ message }) => message).join("; ");

const kindOf = (registration: Registration): ClientKind => {
  if (!registration.response_types?.length && registration.grant_types?.includes("client_credentials"))
    return "service";
  if (registration.application_type === "native") return "native";
  return registration.token_endpoint_auth_method === "none" ? "browser" : "web";
};

const flag = (set: boolean): 0 | 1 => (set ? 1 : 0);

const exceptionsOf = (row: Row): Exceptions => ({
  mayIntrospect: row.may_introspect === 1,
  mayOmitPkce: row.may_omit_pkce === 1,
  assertsToTokenEndpoint: row.asserts_to_token_endpoint === 1,
});

const clientOf = (row: Row, known: Scopes): OAuthClient => {
  const registration = JSON.parse(row.metadata) as Registration;
  return {
    id: row.id,
    name: row.name,
    kind: kindOf(registration),
    uri: registration.client_uri ?? null,
    redirectUris: [...(registration.redirect_uris ?? [])],
    postLogoutRedirectUris: [...(registration.post_logout_redirect_uris ?? [])],
    scopes: (registration.scope ?? "").split(" ").filter(known.has),
    jwksUri: registration.jwks_uri ?? null,
    backchannelLogoutUri: registration.backchannel_logout_uri ?? null,
    requirePushedRequests: registration.require_pushed_authorization_requests ?? false,
    requireDpop: registration.dpop_bound_access_tokens ?? false,
    verified: row.verified === 1,
    ...exceptionsOf(row),
    createdAt: row.created_at,
  };
};

/** What a person sees of it who is asked by it. */
export const viewFromRow = (row: Pick<Row, "id" | "name" | "metadata" | "verified">): ClientView => ({
  id: row.id,
  name: row.name,
  uri: (JSON.parse(row.metadata) as Registration).client_uri ?? null,
  verified: row.verified === 1,
});
