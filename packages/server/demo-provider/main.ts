// The demo identity provider, in a process of its own, around the certified `oidc-provider` package. `DEMO_PROVIDER=1`
// runs it beside the server, and tests sign in with it. Anybody can sign in as anybody, so it listens on the loopback
// interface only, and ends with its parent.

import { createServer } from "node:http";
import Provider, { type Configuration } from "oidc-provider";
import { type DemoClient, demoCredentials } from "./client.ts";

const people: Readonly<Record<string, { name: string; email: string; email_verified: boolean }>> = {
  ada: { name: "Ada Lovelace", email: "ada@demo.example", email_verified: true },
  grace: { name: "Grace Hopper", email: "grace@demo.example", email_verified: true },
  doe: { name: "John Doe", email: "john@example.com", email_verified: true },
  mallory: { name: "Mallory", email: "john@example.com", email_verified: false },
};

/** An unknown name is a new person of that name. */
const personOf = (login: string) =>
  people[login] ?? { name: login, email: `${encodeURIComponent(login)}@demo.example`, email_verified: true };

const configurationOf = ({ publicUrl, providerName, reachableAt }: DemoClient, name: string): Configuration => ({
  clients: [
    {
      client_id: demoCredentials.clientId,
      client_secret: demoCredentials.clientSecret,
      require_auth_time: true,
      redirect_uris: [`${publicUrl}/login/${providerName}/callback`],
      post_logout_redirect_uris: [`${publicUrl}/sign-in`],
      backchannel_logout_uri: `${reachableAt}/login/${providerName}/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  // Browsers share cookies between servers on different ports of one host.
  cookies: {
    names: { session: `${name}_session`, interaction: `${name}_interaction`, resume: `${name}_resume` },
    keys: ["of a demonstration"],
  },
  // The server is on this machine, which the package's own agent would refuse, and may answer slowly.
  fetch: (url, options) => {
    const { dispatcher: _dispatcher, signal: _signal, ...rest } = options ?? {};
    return globalThis.fetch(url, rest);
  },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, preferred_username: id, ...personOf(id) }),
  }),
});

const server = createServer();
const listen = () => server.listen(Number(process.argv[2]), "127.0.0.1");

server.on("listening", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The demo identity provider has no port");
  const issuer = `http://localhost:${address.port}`;
  process.once("message", (client: DemoClient) => {
    const provider = new Provider(issuer, configurationOf(client, `demo${address.port}`));
    server.on("request", provider.callback());
    process.send?.("ready");
  });
  process.send?.(issuer);
});
// After a restart of the server, the previous process may still be ending.
let attempts = 0;
server.on("error", () => {
  if (++attempts === 20) process.exit(1);
  setTimeout(listen, 100);
});
process.once("disconnect", () => process.exit(0));
listen();
