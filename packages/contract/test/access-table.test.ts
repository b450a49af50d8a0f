// Makes docs/access.md from the contract: `npm run docs:update` writes it, and without that a change of access
// fails here, so that it shows in a review.

import { type Access, operationsOf } from "@lockstep/kit";
import { expect, it } from "vitest";
import { contract } from "../src/index.ts";

const who = (access: Access): string => {
  switch (access.kind) {
    case "anyone":
      return "anyone, without signing in";
    case "firstParty": {
      const role = access.role ? `, role \`${access.role}\`` : "";
      const age = access.maxAgeSeconds === undefined ? "" : `, signed in at most ${access.maxAgeSeconds} s ago`;
      return `our own apps${role}${age}`;
    }
    case "scoped":
      return `our own apps; third parties with ${access.scopes.map((scope) => `\`${scope}\``).join(" and ")}`;
  }
};

const table = () => [
  "# Who may call what",
  "",
  "Generated from `packages/contract` by `npm run docs:update`; a test fails when it is out of date.",
  "",
  "| operation | kind | who may call it | what it does |",
  "|---|---|---|---|",
  ...[...operationsOf(contract.operations)].map(
    ([path, operation]) => `| \`${path}\` | ${operation.kind} | ${who(operation.access)} | ${operation.summary} |`,
  ),
  "",
  "## Scopes",
  "",
  "| scope | what a person reads when asked for it |",
  "|---|---|",
  ...Object.entries(contract.scopes).map(([name, words]) => `| \`${name}\` | ${words} |`),
  "",
];

it("docs/access.md is what the contract says", async () => {
  await expect(table().join("\n")).toMatchFileSnapshot("../../../docs/access.md");
});
