import { expect, it } from "vitest";
import { testClock } from "../../testing.ts";
import { createSealed } from "./sealed.ts";
import { createSecrets } from "./secrets.ts";

const clock = testClock();
const sealedBy = (current: string, previous: string[] = []) =>
  createSealed({ secrets: createSecrets(current, previous), now: clock.now });

it("opens what it sealed, which nobody else can read", async () => {
  const sealed = sealedBy("a secret");
  const text = await sealed.seal("link-tickets", { name: "Ada" }, 60);
  expect(await sealed.open("link-tickets", text)).toEqual({ name: "Ada" });
  expect(Buffer.from(text, "base64url").toString()).not.toContain("Ada");
  expect(text).toMatch(/^[\w.-]+$/);
});

it("opens nothing that expired, has another purpose, was changed, or was made by another service", async () => {
  const sealed = sealedBy("a secret");
  const text = await sealed.seal("link-tickets", "x", 60);
  expect(await sealed.open("login-transactions", text)).toBeNull();
  expect(await sealed.open("link-tickets", `${text.slice(0, -3)}AAA`)).toBeNull();
  expect(await sealedBy("another").open("link-tickets", text)).toBeNull();
  for (const nonsense of ["", ".....", "x"]) expect(await sealed.open("link-tickets", nonsense)).toBeNull();
  clock.advanceSeconds(60);
  expect(await sealed.open("link-tickets", text)).toBeNull();
});

it("opens what was sealed before the secret changed", async () => {
  const text = await sealedBy("the old one").seal("link-tickets", "x", 60);
  expect(await sealedBy("the new one", ["the old one"]).open("link-tickets", text)).toBe("x");
});
