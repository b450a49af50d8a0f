// What passkeys cost, in CPU time of the server: a sign-in with one, beside a sign-in with a password, and `user.me` of a session
// that has two factors, beside one with a password alone.

import { createAuthenticator } from "@lockstep/server/software-authenticator";
import { fill, newDatabase, password } from "./database.ts";
import { load } from "./load.ts";
import { pace } from "./pace.ts";
import { cpuTicks, lockstep, start } from "./processes.ts";
import { ratios, type Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

/** Its domain is that of the passkeys. All servers of the run accept its tokens. */
const publicUrl = "http://localhost:3000";
const signInsPerRound = pace.quick ? 20 : 300;
const passwordsPerRound = pace.quick ? 2 : 12;
/** `_SC_CLK_TCK` of Linux: 100 ticks a second. */
const tickMs = 10;

type Authenticator = ReturnType<typeof createAuthenticator>;
type Options = Parameters<Authenticator["get"]>[0];
type Enrolment = Parameters<Authenticator["create"]>[0];
interface SignedIn {
  readonly accessToken: string;
}

export const passkeys = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, 2);
  const server = await start(lockstep, { ...database.env, PUBLIC_URL: publicUrl });
  const caller = createCaller(server.url);
  const call = async <T>(path: string, input: unknown, accessToken?: string) =>
    dataOf<T>(await caller.mutate(path, input, accessToken === undefined ? {} : caller.bearer(accessToken)));
  const withPassword = (n: number, from: number) =>
    caller
      .mutate(
        "auth.login",
        { username: `user-${n}`, password },
        { "x-forwarded-for": `10.0.${from >> 8}.${from & 255}` },
      )
      .then((answer) => dataOf<SignedIn>(answer));
  try {
    const owner = await withPassword(0, 0);
    const authenticator = createAuthenticator({ origin: publicUrl });
    const begun = await call<Enrolment & { enrolmentId: string }>(
      "factor.begin",
      { kind: "passkey" },
      owner.accessToken,
    );
    const finished = { enrolmentId: begun.enrolmentId, name: "Key", passkey: authenticator.create(begun) };
    await call("factor.complete", finished, owner.accessToken);
    const withPasskey = async () => {
      const options = await call<Options>("auth.passkeyOptions", undefined);
      return call<SignedIn>("auth.loginWithPasskey", { passkey: authenticator.get(options) });
    };

    const cpuMs = () => cpuTicks(server.child.pid ?? 0) * tickMs;
    const costOf = async (count: number, signIn: (n: number) => Promise<SignedIn>): Promise<number> => {
      const before = cpuMs();
      for (let n = 0; n < count; n++) await signIn(n);
      return (cpuMs() - before) / count;
    };
    const sessions = { one: await withPassword(1, 1), two: await withPasskey() };
    const costOfCall = async ({ accessToken }: SignedIn): Promise<number> => {
      const before = cpuMs();
      const { requestsPerSecond } = await load({
        name: "user.me",
        url: `${server.url}/trpc/user.me`,
        callers: [["authorization", `Bearer ${accessToken}`]],
      });
      return ((cpuMs() - before) * 1000) / (requestsPerSecond * pace.secondsPerRound);
    };

    const costs = { passkey: [] as number[], password: [] as number[], one: [] as number[], two: [] as number[] };
    // The first round is a warm-up.
    for (let round = -1; round < pace.rounds; round++) {
      const passkey = await costOf(signInsPerRound, withPasskey);
      const typed = await costOf(passwordsPerRound, (n) => withPassword(1, (round + 2) * passwordsPerRound + n));
      const one = await costOfCall(sessions.one);
      const two = await costOfCall(sessions.two);
      if (round < 0) continue;
      costs.passkey.push(passkey);
      costs.password.push(typed);
      costs.one.push(one);
      costs.two.push(two);
    }
    return [
      {
        title: "Passkeys: CPU time of the server",
        figures: [
          { name: "a sign-in with a passkey, ms", values: costs.passkey, digits: 2, target: "≤ 30" },
          { name: "a sign-in with a password, ms", values: costs.password, digits: 1 },
          { name: "user.me after a password, µs", values: costs.one, digits: 1 },
          { name: "user.me after a passkey, ratio", values: ratios(costs.two, costs.one), digits: 2 },
        ],
      },
    ];
  } finally {
    caller.close();
    await server.stop();
    database.remove();
  }
};
