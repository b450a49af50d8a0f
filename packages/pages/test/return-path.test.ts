import { expect, test } from "vitest";
import { returnPath, signInAddress } from "../src/session/return-path.ts";

const origin = "https://app.example.com";
const search = (address: string) => `?${new URLSearchParams({ return: address })}`;

test.each(["/notes", "/notes?a=1&b=2#part", "/%2F%2Fevil.example"])("returns to %s of this app", (address) => {
  expect(returnPath(search(address), origin)).toBe(address);
});

test("reads the return path from its own sign-in address", () => {
  expect(signInAddress("/notes?a=1&b=2")).toBe("/sign-in?return=%2Fnotes%3Fa%3D1%26b%3D2");
  expect(returnPath(new URL(signInAddress("/notes?a=1&b=2"), origin).search, origin)).toBe("/notes?a=1&b=2");
});

test.each([
  "https://evil.example/",
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/..//evil.example",
  "/.//evil.example",
  "/%2e//evil.example",
  " //evil.example",
  "javascript:alert(1)",
  "data:text/html,hello",
  "notes",
  "",
  "/sign-in",
  "/sign-in?return=/notes",
])("returns to the account page for %j", (address) => {
  expect(returnPath(search(address), origin)).toBe("/");
});

test("returns to the account page without a return path", () => {
  expect(returnPath("", origin)).toBe("/");
});
