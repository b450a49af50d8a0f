import { expect, it } from "vitest";
import { startTestServer, testClock } from "../testing.ts";
import { seenRequestPath, seenRequestSeconds } from "./seen-request.ts";

it("shows what arrives to who has a token of this moment, and does not exist for anybody else", async () => {
  const clock = testClock();
  await using server = await startTestServer({ now: clock.now });
  const ask = (authorization?: string) =>
    fetch(`${server.url}${seenRequestPath}`, { headers: authorization ? { authorization } : {} });
  const { sealed } = server.domain;
  const unknown = await fetch(`${server.url}/healthz/anything`);
  const token = await sealed.seal("doctor", "a value", seenRequestSeconds);
  for (const wrong of [undefined, "Bearer x", "Basic eDp4", `Bearer ${await sealed.seal("proofs", "a value", 60)}`]) {
    const answer = await ask(wrong);
    expect([answer.status, await answer.text()]).toEqual([unknown.status, expect.anything()]);
    expect(answer.status).toBe(404);
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
  const answer = await ask(`Bearer ${token}`);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await answer.json()).toMatchObject({ address: "127.0.0.1", forwardedFor: null, cookie: null });
  expect(answer.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^lockstep-check=a%20value; Max-Age=60; Path=\/; HttpOnly; SameSite=Strict$/),
  ]);
  clock.advanceSeconds(seenRequestSeconds);
  expect((await ask(`Bearer ${token}`)).status).toBe(404);
});
