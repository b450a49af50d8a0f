// Owns the tables as Kysely types. IDs are text, times integer epoch milliseconds, flags 0 or 1.

import type { FactorKind } from "@lockstep/kit";
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
  messages: MessagesTable;
  proofs: ProofsTable;
  invitations: InvitationsTable;
  news: NewsTable;
  factors: FactorsTable;
  recovery_codes: RecoveryCodesTable;
  trusted_devices: TrustedDevicesTable;
  deletions: DeletionsTable;
}

export interface UsersTable {
  id: string;
  /** Lower case, unique. */
  username: string;
  /**
   * The username in plain letters, unique: look-alikes have the same form. Null: an operator chose the name, or it is older
   * than this column.
   */
  plain_username: Generated<string | null>;
  /** Lower case, unique. */
  email: string | null;
  /**
   * Who says that the address is the user's: "mail", a code that was sent to it; "vouched", an identity provider or an
   * operator. Null: nobody.
   */
  email_proof: Generated<EmailProof | null>;
  full_name: string;
  role: string;
  disabled: 0 | 1;
  /** From `domain/accounts/passwords.ts`, or imported. Null: no password opens this account. */
  password_hash: string | null;
  created_at: number;
  /** Whether an operator requires a second factor of this user, whatever `SECOND_FACTOR` says. */
  factor_required: Generated<0 | 1>;
  /** From when on the user cannot sign in without the second factor that `SECOND_FACTOR` requires. Null: not set. */
  factor_due_at: Generated<number | null>;
  /** When an administrator's reset removes every factor of the user. Null: none is under way. */
  factor_reset_at: Generated<number | null>;
}

export type EmailProof = "mail" | "vouched";

export interface SessionsTable {
  id: string;
  user_id: string;
  created_at: number;
  /** When the person last proved who they are, with a factor that signs in. */
  authenticated_at: number;
  /** What they proved it with, from `domain/factors/assurance.ts`. Null: a session of an earlier version. */
  factors: Generated<string | null>;
  /** The last refresh, or the sign-in. */
  last_seen_at: number;
  idle_expires_at: number;
  expires_at: number;
  ended_at: number | null;
  /** Set with `ended_at`: one of the contract's `SessionEndReason`. */
  end_reason: string | null;
  /** Random, and never sent. Without it, no refresh token of this session can be computed. */
  seed: string;
  /** The generation of the current refresh token; each refresh adds one. */
  generation: number;
  /** The generations that were replaced within the grace window, with the time: `[[3, 1795441415893], …]`. */
  replaced: string;
  /** The scopes that the session was narrowed to at sign-in, space-separated. Null: not narrowed. */
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
  /** A MAC of what is counted, so that the database does not contain the names that were tried. */
  id: string;
  failures: number;
  last_failed_at: number;
}

export interface SigningKeysTable {
  /** The JWK thumbprint (RFC 7638): the `kid` of what it signs. */
  id: string;
  /** 1, 2, 3 …: unique, so that of concurrent servers only one adds the next key. */
  ordinal: number;
  algorithm: string;
  public_jwk: string;
  /** The private JWK as a JWE under a key derived from `SECRET`. */
  private_jwe: string;
  created_at: number;
  /** When it starts to sign. It is published before, so that every server and client knows it by then. */
  signs_from: number;
  /** When an operator retired it: its signatures are no longer accepted. */
  retired_at: number | null;
}

export interface ClientsTable {
  /** The `client_id`. */
  id: string;
  name: string;
  /** SHA-256 of the secret, base64url. Null: it has no secret. */
  secret_hash: string | null;
  /** The rest of its registration (RFC 7591), as JSON with the names of the wire. */
  metadata: string;
  /** Whether an operator has verified it. */
  verified: 0 | 1;
  /** Whether an operator allows it to introspect the tokens of every client (RFC 7662 §2.1). */
  may_introspect: Generated<0 | 1>;
  /** Whether an operator allows it to omit PKCE, and send a nonce instead (RFC 9700 §2.1.1). */
  may_omit_pkce: Generated<0 | 1>;
  /** Whether its assertions may name the token endpoint as their audience, in place of the issuer. */
  asserts_to_token_endpoint: Generated<0 | 1>;
  /** Grows each time its owner changes it. A grant for an earlier revision no longer counts as consent. */
  revision: Generated<number>;
  /** The user who registered it and may change it. Null: an operator, or registered over the wire. */
  owner_id: string | null;
  created_at: number;
  /** When it is deleted if it is not used. Null: it is kept. */
  unused_expires_at: Generated<number | null>;
}

export interface GrantsTable {
  id: string;
  user_id: string;
  application_id: string;
  /** The `revision` of the client that the user saw. */
  application_revision: Generated<number>;
  /** The granted scopes, space-separated. */
  scopes: string;
  /** The authorization server's own record of it: JSON. */
  payload: string;
  created_at: number;
  /** The last time that a token was issued under it. */
  last_used_at: number;
  expires_at: number;
}

export interface OAuthRecordsTable {
  /** SHA-256 of kind and ID, since the ID of many records is a token. */
  id: string;
  /** A model of the authorization server: `AuthorizationCode`, `RefreshToken`, `Interaction` … */
  kind: string;
  /** A JWE under a key derived from `SECRET`, since it repeats the ID. */
  payload: string;
  /** The grant or session that the record is deleted with. */
  grant_id: string | null;
  session_id: string | null;
  /** The person whom it names. Null: nobody, or they were deleted, or a previous version wrote it. */
  user_id: Generated<string | null>;
  /** SHA-256 of the second key to find it by: a session's `uid`, a device's user code. */
  alias: string | null;
  expires_at: number;
  consumed_at: number | null;
}

export interface SpentIdsTable {
  /** SHA-256 of the kind of ID, and the ID. */
  id: string;
  expires_at: number;
}

export interface IdentitiesTable {
  id: string;
  user_id: string;
  /** With `subject`, unique: the person at the identity provider. */
  issuer: string;
  subject: string;
  /** The configured name that it was last used with. */
  provider: string;
  /** As the identity provider last sent it: shown to people, never used to find an account. */
  email: string | null;
  linked_at: number;
  last_used_at: number | null;
}

/** A session that started at an identity provider, and the session there. */
export interface ProviderSessionsTable {
  session_id: string;
  identity_id: string;
  /** The identity provider's `sid`. */
  provider_session_id: string | null;
  /** The ID token, encrypted under a key derived from `SECRET`. Stored when signing out here also signs out there. */
  id_token_jwe: string | null;
}

export interface MessagesTable {
  /** Also the left part of its Message-ID, which is the same in every attempt. */
  id: string;
  /** A `MailTemplate`. */
  template: string;
  /** The account that it is about, and is deleted with. Null: there is none. */
  user_id: string | null;
  /** A MAC of the address, for the limit on mails to one address. */
  recipient: string;
  /** Whether anybody can have asked for it, so that it counts towards that limit. */
  requested: 0 | 1;
  /** Address and data, sealed. Null: it was sent. */
  payload: string | null;
  created_at: number;
  /** From when on it is of no use to its reader, and is not sent. */
  expires_at: number | null;
  /** After this time, a failed attempt is the last one. */
  give_up_at: number;
  /** The next attempt; while one runs, the end of its lease. Null: it was sent or given up. */
  due_at: number | null;
  /** Random: the attempt that runs. */
  claim: string | null;
  attempts: number;
  /** Why the last attempt failed, in words for the operator, without addresses. */
  failure: string | null;
  sent_at: number | null;
}

export interface ProofsTable {
  id: string;
  /** A `ProofPurpose` of the contract. */
  purpose: string;
  /** A MAC of what was typed to ask for it. */
  asked: string;
  /** Null: there is no account, or not yet. */
  user_id: string | null;
  /** The address that the mail went to. Null: it went nowhere, since no account has the name that was typed. */
  email: string | null;
  /** A MAC of the code: a hash of so short a text could be reversed. */
  code_mac: string;
  /** SHA-256 of the link's secret. */
  link_hash: string;
  /** SHA-256 of the secret in the cookie of the browser that asked. Null: whoever knows the ID asked. */
  browser_hash: string | null;
  tries_left: number;
  /** "used" or "cancelled". Null: it is open. */
  ended: ProofEnd | null;
  created_at: number;
  expires_at: number;
}

export type ProofEnd = "used" | "cancelled";

/** Who may sign up while `SIGN_UP=invited`. */
export interface InvitationsTable {
  /** Lower case. */
  email: string;
  role: string;
  created_at: number;
  expires_at: number;
}

/** What servers told each other within the last minutes. */
export interface NewsTable {
  id: string;
  at: number;
  /** The server that told it. */
  server: string;
  /** JSON. */
  payload: string;
}

/** Second factors and passkeys. */
export interface FactorsTable {
  id: string;
  user_id: string;
  /** A `FactorKind` of the contract. */
  kind: FactorKind;
  name: string;
  /** TOTP: the secret as a JWE under a key derived from `SECRET`. A passkey: its public key (COSE), base64url. */
  material: string;
  /** A passkey's ID, base64url, unique. Null: TOTP. */
  credential_id: string | null;
  /** Grows with each use. TOTP: the time step of the last code. A passkey: its signature counter, or always 0. */
  counter: number;
  created_at: number;
  last_used_at: number | null;
}

export interface RecoveryCodesTable {
  user_id: string;
  /** The first letters of the code. With `user_id`, unique. */
  selector: string;
  /** Of the other letters, from `domain/accounts/passwords.ts`. */
  code_hash: string;
}

/** Devices that sign in to an account without a second factor. */
export interface TrustedDevicesTable {
  id: string;
  user_id: string;
  /** SHA-256 of the ID in the device token. */
  device_hash: string;
  address: string | null;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}

/** Accounts that are to be deleted. Until then they are disabled. */
export interface DeletionsTable {
  user_id: string;
  requested_by: DeletionAsker;
  requested_at: number;
  /** The day until which it can be cancelled. */
  deletes_at: number;
  /** Null: nothing was deleted yet. Afterwards nothing can be cancelled. */
  started_at: number | null;
  /** Whether the account is disabled again when the deletion is cancelled. */
  was_disabled: 0 | 1;
  /** Random: replaces the user in the audit log. */
  pseudonym: string;
}

export type DeletionAsker = "owner" | "operator";
