// Generates docs/access.md from the contract: `npm run docs:update` writes it, and without that a change of access
// fails here, so that it shows in a review.

import { type Access, type Assurance, operationsOf } from "@lockstep/kit";
import { expect, it } from "vitest";
import { contract } from "../src/index.ts";

const who = (access: Access): string => {
  switch (access.kind) {
    case "anyone":
      return "anyone, without signing in";
    case "firstParty": {
      const role = access.role ? `, role \`${access.role}\`` : "";
      return `first-party clients${role}`;
    }
    case "scoped":
      return `first-party clients; third-party clients with ${access.scopes.map((scope) => `\`${scope}\``).join(" and ")}`;
  }
};

/** How the caller must have proved who they are. */
const needs = (access: Access): string => {
  if (access.kind === "anyone") return "nothing";
  const { factors = 1, phishingResistant, maxAgeSeconds }: Assurance = access.assurance ?? {};
  const proof = phishingResistant ? "a passkey" : factors === 2 ? "two factors" : "a sign-in";
  return maxAgeSeconds === undefined ? proof : `${proof} of the last ${maxAgeSeconds} s`;
};

const table = () => [
  "# Access table",
  "",
  "Generated from `packages/contract` by `npm run docs:update`; a test fails when it is out of date.",
  "",
  "| operation | kind | who may call it | needs | description |",
  "|---|---|---|---|---|",
  ...[...operationsOf(contract.operations)].map(
    ([path, operation]) =>
      `| \`${path}\` | ${operation.kind} | ${who(operation.access)} | ${needs(operation.access)} | ${operation.summary} |`,
  ),
  "",
  "## Scopes",
  "",
  "| scope | text of the consent page |",
  "|---|---|",
  ...Object.entries(contract.scopes).map(([name, words]) => `| \`${name}\` | ${words} |`),
  "",
];

it("docs/access.md is up to date with the contract", async () => {
  await expect(table().join("\n")).toMatchFileSnapshot("../../../docs/access.md");
});
