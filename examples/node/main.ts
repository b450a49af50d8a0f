// Signs in, keeps the session in a file for the next run, and prints the user's name after each change of their sessions.

import { createClient, errorOf, sessionOf } from "@lockstep/client";
import { fileTokens } from "@lockstep/client/node";

const { API_URL = "http://localhost:3000", API_USERNAME = "", API_PASSWORD = "" } = process.env;

const client = createClient({
  url: API_URL,
  tokens: fileTokens("session.json"),
  onSignedOut: (reason) => console.log(`Signed out: ${reason}`),
});

/** Why the sign-in failed, in words for the user. `null`: the user is signed in. */
const signIn = async (): Promise<string | null> => {
  try {
    await client.auth.login.mutate({ username: API_USERNAME, password: API_PASSWORD });
    return null;
  } catch (thrown) {
    const error = errorOf("auth.login", thrown);
    switch (error?.code) {
      case "INVALID_CREDENTIALS":
        return "The username or the password is wrong.";
      case "TOO_MANY_ATTEMPTS":
        return `Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`;
      case "UNREACHABLE":
        return `There is no answer from ${API_URL}.`;
      default:
        throw thrown;
    }
  }
};

/** Reads the user with a valid access token: the client refreshes it when it has expired. */
const printUser = async (title: string) => {
  const { fullName } = await client.user.me.query();
  console.log(`${title}: ${fullName}`);
};

const { status } = await sessionOf(client).restore();
const failure = status === "signedIn" ? null : await signIn();
if (failure !== null) {
  console.error(failure);
  process.exit(1);
}
await printUser("Signed in");

/** After the end of the session, which `onSignedOut` has reported, calls fail as expected. */
const report = (thrown: unknown) => {
  if (sessionOf(client).get().status === "signedIn") console.error(thrown);
};

// Ends with the session, and this program with it.
client.session.events.subscribe(undefined, {
  onData: ({ type }) => printUser(type).catch(report),
  onError: report,
});
