// Owns the tables as Kysely sees them. Ids are text, times integer epoch milliseconds, flags 0 or 1.

export interface Schema {
  users: UsersTable;
  sessions: SessionsTable;
  signing_keys: SigningKeysTable;
}

export interface UsersTable {
  id: string;
  /** Lower case, unique. */
  username: string;
  /** Lower case, unique. */
  email: string | null;
  full_name: string;
  role: "user" | "admin";
  disabled: 0 | 1;
  /** A form that `domain/passwords.ts` made or imported. Null: no password opens this account. */
  password_hash: string | null;
  created_at: number;
}

export interface SessionsTable {
  id: string;
  user_id: string;
  created_at: number;
  /** When the person last proved who they are. */
  authenticated_at: number;
  expires_at: number;
  ended_at: number | null;
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
}
