// tRPC's own client, without @lockstep/client: keeps the tokens itself, and refreshes them when the server refuses one.

import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  safe,
  splitLink,
  TRPCClientError,
} from "@trpc/client";
import { EventSource } from "eventsource";
import type { AppRouter } from "./contract.ts";

const { API_URL = "http://localhost:3000", API_USERNAME = "", API_PASSWORD = "" } = process.env;

const tokens = { accessToken: "", refreshToken: "" };
const headers = () => ({ authorization: `Bearer ${tokens.accessToken}` });

/** Operations that take a password or a token. The server refuses them in a batch. */
const unbatched = new Set(["auth.login", "auth.refresh"]);

const url = new URL("/trpc", API_URL).href;
const client = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: ({ type }) => type === "subscription",
      true: httpSubscriptionLink({
        url,
        EventSource,
        // The browser's own EventSource can't send a header. The token is read for each connection.
        eventSourceOptions: {
          fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers() } }),
        },
      }),
      false: splitLink({
        condition: ({ path }) => unbatched.has(path),
        true: httpLink({ url }),
        false: httpBatchLink({ url, headers }),
      }),
    }),
  ],
});

const refresh = async () => {
  const { refreshToken } = tokens;
  Object.assign(tokens, await client.auth.refresh.mutate({ refreshToken }));
};

/** Makes a call, and repeats it once with a new token if the server refuses the current one. */
const withToken = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    const isRefused = error instanceof TRPCClientError && error.data?.code === "INVALID_TOKEN";
    if (!isRefused) throw error;
    // In a program that makes several calls at a time, share one refresh: a refresh token can be used once.
    await refresh();
    return call();
  }
};

const printUser = async (title: string) => {
  const { fullName } = await withToken(() => client.user.me.query());
  console.log(`${title}: ${fullName}`);
};

/** The stream reports the end of the session. */
const report = (error: unknown) => {
  const isEnd = error instanceof TRPCClientError && error.data?.code === "SESSION_ENDED";
  if (!isEnd) console.error(error);
};

const [session, error] = await safe(client.auth.login.mutate({ username: API_USERNAME, password: API_PASSWORD }));
if (error) {
  // `data` is the union of the errors that `auth.login` declares.
  if (error.data?.code === "INVALID_CREDENTIALS") console.error("The username or the password is wrong.");
  else if (error.data?.code === "TOO_MANY_ATTEMPTS")
    console.error(`Too many attempts. Try again in ${error.data.details.retryAfterSeconds} seconds.`);
  else console.error(error);
  process.exit(1);
}
if (session.status !== "signed_in") {
  console.error("This account needs a second factor. Sign in on the web.");
  process.exit(1);
}
Object.assign(tokens, session);
await printUser("Signed in");

const watching = client.session.events.subscribe(undefined, {
  onData: ({ type }) => printUser(type).catch(report),
  onError: (error) => {
    watching.unsubscribe();
    if (error.data?.code === "SESSION_ENDED") console.log(`Signed out: ${error.data.details.reason}`);
    else console.error(error);
  },
});
