// Owns signing in to our own apps: from what a person types to a session and its access token.

import { type LoginInput, type LoginResult, scopeNames } from "@lockstep/contract";
import { DomainError } from "./domain-error.ts";
import type { Passwords } from "./passwords.ts";
import type { Sessions } from "./sessions.ts";
import { firstPartyClientId, type Tokens } from "./tokens.ts";
import type { Users } from "./users.ts";

export type SignIn = ReturnType<typeof createSignIn>;

export const createSignIn = ({
  users,
  passwords,
  sessions,
  tokens,
}: {
  users: Users;
  passwords: Passwords;
  sessions: Sessions;
  tokens: Tokens;
}) => ({
  /**
   * Starts a new session for whoever knows the password. Unknown user, wrong password and disabled user are
   * the same refusal, in the same time.
   * @throws DomainError `INVALID_CREDENTIALS`
   */
  async withPassword({ username, password }: LoginInput): Promise<LoginResult> {
    const found = await users.findByLogin(username);
    // A disabled account is verified like any other, but never as its own: success must not be told from failure by time.
    const enabled = found && !found.user.disabled ? found : null;
    const verification = await passwords.verify(password, enabled?.passwordHash ?? null);
    if (!enabled || !verification.matches) throw new DomainError("INVALID_CREDENTIALS");

    if (verification.upgrade !== null && enabled.passwordHash !== null) {
      await users.upgradePasswordHash(enabled.user.id, enabled.passwordHash, verification.upgrade);
    }
    const session = await sessions.start(enabled.user.id);
    const { accessToken, expiresInSeconds } = await tokens.issue({
      userId: enabled.user.id,
      sessionId: session.id,
      clientId: firstPartyClientId,
      scopes: scopeNames,
    });
    return {
      status: "signed_in",
      accessToken,
      tokenType: "Bearer",
      expiresIn: expiresInSeconds,
      user: enabled.user,
    };
  },
});
