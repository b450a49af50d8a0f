// Owns GitHub, which supports OAuth 2 but not OpenID Connect: instead of an ID token, its API says whose token it is.
// GitHub Enterprise Server is the same at an issuer of its own.

import { EmailAddress } from "@lockstep/kit";
import * as client from "openid-client";
import { z } from "zod";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { IdentityProviderSettings } from "./identity-provider-settings.ts";
import { nameOf, text } from "./openid.ts";

type Fetch = (address: string | URL, init?: RequestInit) => Promise<Response>;

/** The number is permanent; a login can be released and reused by another person. */
const Account = z.object({ id: z.int().positive(), login: z.string(), name: z.string().nullish() });
const Emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

/** GitHub's token endpoint answers 200 to refuse. The library needs the 400 of RFC 6749 §5.2. */
const asRefused = async (response: Response): Promise<Response> => {
  const body = await response.text();
  const refused = response.ok && /^\s*\{\s*"error"\s*:/.test(body);
  return new Response(body, { status: refused ? 400 : response.status, headers: response.headers });
};

export const createGithubProvider = ({
  settings,
  fetch,
}: {
  settings: IdentityProviderSettings;
  fetch: Fetch;
}): IdentityProvider => {
  const { issuer, clientId, clientSecret, scopes } = settings;
  const api = issuer === "https://github.com" ? "https://api.github.com" : `${issuer}/api/v3`;
  const configuration = new client.Configuration(
    {
      issuer,
      authorization_endpoint: `${issuer}/login/oauth/authorize`,
      token_endpoint: `${issuer}/login/oauth/access_token`,
    },
    clientId,
    {},
    client.ClientSecretPost(clientSecret ?? ""),
  );
  configuration[client.customFetch] = (async (address: string, init: RequestInit) =>
    asRefused(await fetch(address, init))) as client.CustomFetch;
  if (settings.allowPrivateAddresses) client.allowInsecureRequests(configuration);

  const ask = async <S extends z.ZodType>(path: string, accessToken: string, schema: S): Promise<z.output<S>> => {
    const response = await fetch(`${api}${path}`, {
      headers: {
        authorization: `Bearer ${accessToken}`,
        accept: "application/vnd.github+json",
        "user-agent": "lockstep",
      },
    });
    if (!response.ok) throw new LoginRefusal("unavailable", `the identity provider's API answered ${response.status}`);
    const answer = schema.safeParse(await response.json().catch(() => null));
    if (!answer.success) throw new LoginRefusal("untrusted", "the identity provider's API sent an unexpected response");
    return answer.data;
  };

  return {
    settings,

    async authorizationUrl(checks) {
      return client.buildAuthorizationUrl(configuration, {
        redirect_uri: checks.redirectUri,
        scope: scopes.join(" "),
        state: checks.state,
        code_challenge: await client.calculatePKCECodeChallenge(checks.codeVerifier),
        code_challenge_method: "S256",
        ...(checks.fresh && { prompt: "select_account" }),
      });
    },

    async redeem(callback, checks) {
      const tokens = await client.authorizationCodeGrant(configuration, callback, {
        pkceCodeVerifier: checks.codeVerifier,
        expectedState: checks.state,
      });
      const account = await ask("/user", tokens.access_token, Account);
      const emails = scopes.includes("user:email") ? await ask("/user/emails", tokens.access_token, Emails) : [];
      const primary = emails.find((each) => each.primary);
      const email = EmailAddress.safeParse(primary?.email);
      return {
        identity: {
          issuer,
          subject: String(account.id),
          email: email.success ? email.data : null,
          emailVerified: email.success && primary?.verified === true,
          fullName: nameOf(account.name),
          username: text(account.login, 200),
        },
        providerSession: { sessionId: null, idToken: null },
        authenticatedAt: null,
      };
    },

    endSessionUrl: async () => null,
    verifyLogoutToken: async () => null,
    check: async () => ["GitHub has no discovery: whether id and secret are right shows at the first sign-in."],
  };
};
