// Owns an API of many operations in two forms with the same schemas: a Lockstep contract, and an inferred tRPC router as in
// tRPC's documentation. Each has a client file that uses a few operations.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TypeFixture {
  /** The folders of the two programs; each has a `tsconfig.json` for its client file. */
  readonly contract: string;
  readonly inferred: string;
  remove(): void;
}

const operationsPerArea = 20;

/** Writes both into this package, where their imports resolve. */
export const writeTypeFixture = ({ operations, used }: { operations: number; used: number }): TypeFixture => {
  const cache = join(import.meta.dirname, "../node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "types-"));
  const ids = Array.from({ length: operations }, (_, id) => id);
  const usedIds = ids.filter((id) => id % Math.floor(operations / used) === 0).slice(0, used);

  const program = (name: "contract" | "inferred", source: string) => {
    const folder = join(directory, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "api.ts"), source);
    writeFileSync(join(folder, "client.ts"), clientOf(usedIds));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
    return folder;
  };
  return {
    contract: program("contract", contractOf(ids)),
    inferred: program("inferred", routerOf(ids)),
    remove: () => rmSync(directory, { recursive: true }),
  };
};

const tsconfig = {
  extends: "../../../../../tsconfig.base.json",
  compilerOptions: { lib: ["es2024", "dom", "esnext.disposable"], types: ["node"] },
  files: ["client.ts"],
};

const isQuery = (id: number) => id % 2 === 0;
const area = (id: number) => `area${Math.floor(id / operationsPerArea)}`;
const name = (id: number) => `${isQuery(id) ? "read" : "write"}${id % operationsPerArea}`;

const inputOf = (id: number) =>
  `z.object({ id${id}: z.string(), page: z.int().optional(), tags: z.array(z.string()) })`;
const outputOf = (id: number) =>
  `z.object({ id${id}: z.string(), name: z.string().nullable(), state: z.enum(["open", "closed", "state${id}"]),
      size: z.number(), createdAt: z.number(), owner: Owner, items: z.array(z.object({ n${id}: z.number(), label: z.string() })) })`;
const sharedSchemas = `const Owner = z.object({ id: z.string(), fullName: z.string(), email: z.email().nullable() });`;

/** The operations by area, each in the form that `operation` gives it. */
const treeOf = (ids: readonly number[], operation: (id: number) => string, around: (operations: string) => string) =>
  Object.entries(Object.groupBy(ids, area))
    .map(([each, members = []]) => {
      const operations = members.map((id) => `    ${name(id)}: ${operation(id)},\n`).join("");
      return `  ${each}: ${around(`{\n${operations}  }`)},\n`;
    })
    .join("");

/** As an app declares it: each area is a feature. */
const contractOf = (ids: readonly number[]) => {
  const areas = Object.entries(Object.groupBy(ids, area));
  return `
import { composeContract, defineFeature, type RouterOf } from "@lockstep/kit";
import { z } from "zod";

${sharedSchemas}
${areas
  .map(
    ([each, members = []]) => `
const ${each} = defineFeature({ areas: { ${each}: "" } }, ({ query, mutation, firstParty, scoped }) => ({
${treeOf(members, operationOf, (operations) => operations)}}));`,
  )
  .join("")}
export const contract = composeContract({ features: [${areas.map(([each]) => each)}] });
export type AppRouter = RouterOf<typeof contract>;
`;
};

const operationOf = (id: number) =>
  `${isQuery(id) ? 'query({ access: scoped("profile:read")' : "mutation({ access: firstParty()"},
      summary: "Operation ${id}", input: ${inputOf(id)},
      output: ${outputOf(id)} })`;

// Handlers that never return have the cheapest types. Real ones cost more.
const routerOf = (ids: readonly number[]) => `
import { initTRPC, TRPCError } from "@trpc/server";
import { z } from "zod";

const t = initTRPC.context<{ user: { id: string } | null }>().create();
const signedIn = t.procedure.use(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next({ ctx: { user: ctx.user } });
});

${sharedSchemas}
export const appRouter = t.router({
${treeOf(
  ids,
  (id) =>
    `signedIn.input(${inputOf(id)})
      .output(${outputOf(id)})
      .${isQuery(id) ? "query" : "mutation"}(() => { throw new Error(); })`,
  (operations) => `t.router(${operations})`,
)}});
export type AppRouter = typeof appRouter;
`;

const clientOf = (ids: readonly number[]) => `
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import type { AppRouter } from "./api.ts";

const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "http://localhost:3000/trpc" })] });
${ids
  .map((id) => {
    const call = `client.${area(id)}.${name(id)}.${isQuery(id) ? "query" : "mutate"}`;
    return `export const call${id} = async (): Promise<[string, number | undefined]> => {
  const { id${id}, items } = await ${call}({ id${id}: "1", tags: [] });
  return [id${id}, items[0]?.n${id}];
};`;
  })
  .join("\n")}
`;
