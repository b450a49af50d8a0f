// Owns the tables as Kysely sees them. Ids are text, times integer epoch milliseconds, flags 0 or 1.

import type { Generated } from "kysely";

export interface Schema {
  users: UsersTable;
  sessions: SessionsTable;
  audit_log: AuditLogTable;
  throttles: ThrottlesTable;
  /** Keys of ES256. */
  signing_keys: SigningKeysTable;
  /** Keys of RS256. */
  rsa_signing_keys: SigningKeysTable;
  applications: ClientsTable;
  grants: GrantsTable;
  oauth_records: OAuthRecordsTable;
  spent_ids: SpentIdsTable;
  identities: IdentitiesTable;
  provider_sessions: ProviderSessionsTable;
}

export interface UsersTable {
  id: string;
  /** Lower case, unique. */
  username: string;
  /** Lower case, unique. */
  email: string | null;
  full_name: string;
  role: string;
  disabled: 0 | 1;
  /** A form that `domain/accounts/passwords.ts` made or imported. Null: no password opens this account. */
  password_hash: string | null;
  created_at: number;
}

export interface SessionsTable {
  id: string;
  user_id: string;
  created_at: number;
  /** When the person last proved who they are. */
  authenticated_at: number;
  /** The last refresh, or the sign-in. */
  last_seen_at: number;
  idle_expires_at: number;
  expires_at: number;
  ended_at: number | null;
  /** Set with `ended_at`: one of the contract's `SessionEndReason`. */
  end_reason: string | null;
  /** Random, and never sent: without it no refresh token of this session can be computed. */
  seed: string;
  /** The generation of the refresh token that is good now; each refresh adds one. */
  generation: number;
  /** The generations that were replaced within the grace window, with the time: `[[3, 1795441415893], …]`. */
  replaced: string;
  /** What it was narrowed to at sign-in, space-separated. Null: nothing is out of its reach. */
  scopes: string | null;
  address: string | null;
  user_agent: string | null;
}

export interface AuditLogTable {
  id: string;
  at: number;
  action: string;
  outcome: string;
  user_id: string | null;
  session_id: string | null;
  /** JSON. */
  detail: string;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
}

export interface ThrottlesTable {
  /** A MAC of what is counted: the database does not learn what names were tried. */
  id: string;
  failures: number;
  last_failed_at: number;
}

export interface SigningKeysTable {
  /** The JWK thumbprint (RFC 7638): the `kid` of what it signs. */
  id: string;
  /** 1, 2, 3 …: unique, so that of two servers that make the next key at once only one does. */
  ordinal: number;
  algorithm: string;
  public_jwk: string;
  /** The private JWK as a JWE under a key derived from `SECRET`. */
  private_jwe: string;
  created_at: number;
  /** From when on it signs; published before, so that every server and client knows it by then. */
  signs_from: number;
  /** Withdrawn by an operator: nothing that it signed is good any more. */
  retired_at: number | null;
}

export interface ClientsTable {
  /** The `client_id`. */
  id: string;
  name: string;
  /** SHA-256 of the secret, base64url. Null: it keeps none, or proves itself by a key. */
  secret_hash: string | null;
  /** The rest of its registration (RFC 7591), as JSON in the names of the wire. */
  metadata: string;
  /** Whether an operator vouches for it. */
  verified: 0 | 1;
  /** Whether an operator lets it introspect the tokens of every client (RFC 7662 §2.1). */
  may_introspect: Generated<0 | 1>;
  /** Whether an operator lets it leave out PKCE, and send a nonce instead (RFC 9700 §2.1.1). */
  may_omit_pkce: Generated<0 | 1>;
  /** Whether an operator lets it name the token endpoint as the audience of its assertions, in place of the issuer. */
  asserts_to_token_endpoint: Generated<0 | 1>;
  /** Grows each time its owner changes it. A grant for an earlier revision no longer answers for the person. */
  revision: Generated<number>;
  /** Who registered it and may change it. Null: an operator, or nobody who signed in. */
  owner_id: string | null;
  created_at: number;
  /** When it is deleted if it has not been used by then. Null: it stays. */
  unused_expires_at: Generated<number | null>;
}

export interface GrantsTable {
  id: string;
  user_id: string;
  application_id: string;
  /** The client's `revision` that the person was shown. */
  application_revision: Generated<number>;
  /** What was granted, space-separated. */
  scopes: string;
  /** The authorization server's own record of it: JSON. */
  payload: string;
  created_at: number;
  /** The last time that a token was issued under it. */
  last_used_at: number;
  expires_at: number;
}

export interface OAuthRecordsTable {
  /** SHA-256 of kind and id, for the id of many a record is a token that somebody holds. */
  id: string;
  /** A model of the authorization server: `AuthorizationCode`, `RefreshToken`, `Interaction` … */
  kind: string;
  /** A JWE under a key derived from `SECRET`, for it repeats the id. */
  payload: string;
  /** What it ends with. */
  grant_id: string | null;
  session_id: string | null;
  /** SHA-256 of the second name that it is found by: a session's `uid`, a device's user code. */
  alias: string | null;
  expires_at: number;
  consumed_at: number | null;
}

export interface SpentIdsTable {
  /** SHA-256 of what it is an id of, and the id. */
  id: string;
  expires_at: number;
}

export interface IdentitiesTable {
  id: string;
  user_id: string;
  /** With `subject`, unique: who this is at the provider. */
  issuer: string;
  subject: string;
  /** The name in the settings that it was last used under. */
  provider: string;
  /** As the provider last gave it: to be shown, never to find anyone by. */
  email: string | null;
  linked_at: number;
  last_used_at: number | null;
}

/** A session that began at a provider, and which session there it goes back to. */
export interface ProviderSessionsTable {
  session_id: string;
  identity_id: string;
  /** The provider's `sid`. */
  provider_session_id: string | null;
  /** The ID token, encrypted under a key derived from `SECRET`: kept when signing out here signs out there. */
  id_token_jwe: string | null;
}
