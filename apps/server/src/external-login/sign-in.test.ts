import { describe, expect, it } from "vitest";
import { openBrowser } from "../../test/browser-trip.ts";
import { engines } from "../../test/engines.ts";
import { startDemoProvider } from "../demo-provider.ts";
import { startTestServer } from "../testing.ts";

describe.each(engines)("signing in through a provider on $engine", ({ newDatabase }) => {
  const start = async () => {
    const [database, provider] = await Promise.all([newDatabase(), startDemoProvider("demo", 0)]);
    const server = await startTestServer({ databaseUrl: database.url, config: { providers: [provider.settings] } });
    await provider.serve({ publicUrl: server.config.publicUrl, reachableAt: server.url });
    return {
      ...server,
      provider,
      async [Symbol.asyncDispose]() {
        await provider.end();
        await server.close();
        await database.drop();
      },
    };
  };

  it("makes an account at the first time, and finds it by issuer and subject at the next", async () => {
    await using server = await start();
    const browser = openBrowser(server.app);
    const first = await browser.trip("/login/demo?returnTo=/greeting", "ada");
    expect([first.statusCode, first.headers.location]).toEqual([303, "/greeting"]);
    expect(browser.ours.names()).toEqual(["lockstep-session"]);
  });
});
