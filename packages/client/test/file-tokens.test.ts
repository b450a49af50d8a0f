// Tokens in a file, shared by processes.

import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient, sessionOf } from "@lockstep/client";
import { fileTokens } from "@lockstep/client/node";
import { john, startTestServer, testClock } from "@lockstep/server/testing";
import { describe, expect, it } from "vitest";
import { recorded, refreshes } from "./requests.ts";

const credentials = { username: john.username, password: john.password };

const folder = async () => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-client-"));
  return {
    file: join(directory, "state", "session.json"),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
};

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe("tokens in a file", () => {
  it("can be read by their owner only, whatever mode the file had, and leave no other file behind", async () => {
    await using server = await startTestServer();
    await using place = await folder();
    const client = createClient({ url: server.url, tokens: fileTokens(place.file) });
    await client.auth.login.mutate(credentials);
    expect(await modeOf(place.file)).toBe("600");
    expect(await modeOf(join(place.file, ".."))).toBe("700");

    await chmod(place.file, 0o644);
    await client.auth.login.mutate(credentials);
    expect(await modeOf(place.file)).toBe("600");
    expect(await readdir(join(place.file, ".."))).toEqual(["session.json"]);
  });

  it("are found by the next process, and removed by a sign-out, except for the device token", async () => {
    await using server = await startTestServer();
    await using place = await folder();
    await createClient({ url: server.url, tokens: fileTokens(place.file) }).auth.login.mutate(credentials);

    const client = createClient({ url: server.url, tokens: fileTokens(place.file) });
    expect((await client.user.me.query()).username).toBe(john.username);
    await client.auth.logout.mutate();
    expect(JSON.parse(await readFile(place.file, "utf8"))).toEqual({ tokens: null, deviceToken: expect.any(String) });
    expect(await sessionOf(createClient({ url: server.url, tokens: fileTokens(place.file) })).restore()).toEqual({
      status: "signedOut",
      reason: null,
    });
  });

  it.each(["", "{", "[]", "null", '"text"'])("are absent when the content of the file is: %s", async (content) => {
    await using place = await folder();
    await fileTokens(place.file).set(null);
    await writeFile(place.file, content);
    expect(await fileTokens(place.file).get()).toBeNull();
    await fileTokens(place.file).set({ accessToken: "token" });
    expect(await fileTokens(place.file).get()).toEqual({ accessToken: "token" });
  });

  it("are refreshed once by clients of one process", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    await using place = await folder();
    const network = recorded(globalThis.fetch);
    const open = () =>
      createClient({ url: server.url, tokens: fileTokens(place.file), fetch: network.fetch, now: clock.now });
    await open().auth.login.mutate(credentials);
    clock.advanceSeconds(3600);
    await Promise.all([open(), open(), open()].map((client) => client.user.me.query()));
    expect(refreshes(network.requests)).toHaveLength(1);
  });

  it("are refreshed once by two processes", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    await using place = await folder();
    let asked = 0;
    server.app.server.on("request", (request) => {
      if (request.url === "/trpc/auth.refresh") asked++;
    });
    await createClient({ url: server.url, tokens: fileTokens(place.file) }).auth.login.mutate(credentials);
    const before = (await fileTokens(place.file).get())?.refreshToken;
    clock.advanceSeconds(3600);

    const script = join(import.meta.dirname, "file-tokens-process.ts");
    const run = () => promisify(execFile)(process.execPath, [script, server.url, place.file]);
    const results = await Promise.all([run(), run()]);
    expect(results.map(({ stdout }) => stdout)).toEqual([john.username, john.username]);
    expect(asked).toBe(1);
    expect((await fileTokens(place.file).get())?.refreshToken).not.toBe(before);
  });
});
