// Owns the check that no URL belongs to two of: the server's own routes, the operations' REST paths, the pages of the
// web app. A URL of two would answer a reloaded page with JSON, so the server refuses to start.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Operations, operationsOf } from "@lockstep/kit";
import type { FastifyInstance } from "fastify";
import { StartError } from "../start-error.ts";

/** Collects the paths of all routes that are registered from here on, in Fastify's syntax. */
export const recordRoutes = (app: FastifyInstance): ReadonlySet<string> => {
  const paths = new Set<string>();
  app.addHook("onRoute", ({ url }) => {
    // CORS answers `OPTIONS *`, which is not a page.
    if (url !== "*") paths.add(url);
  });
  return paths;
};

/**
 * The addresses of the web app's pages, as wouter writes them: from the list in its sources in development, from
 * `pages.json` of its build otherwise. `@lockstep/pages` makes both.
 */
export const readPages = async ({
  directory,
  devUrl,
}: {
  directory: string | null;
  devUrl: string | null;
}): Promise<readonly string[]> => {
  if (directory === null) return [];
  if (devUrl !== null) {
    const source: { ownPages: { paths: readonly string[] } } = await import(
      pathToFileURL(join(directory, "../src/pages.ts")).href
    );
    return source.ownPages.paths;
  }
  const built = await readFile(join(directory, "pages.json"), "utf8").catch(() => null);
  return built === null ? [] : JSON.parse(built);
};

export interface Addresses {
  readonly operations: Operations;
  /** The server's own, in Fastify's syntax. */
  readonly own: Iterable<string>;
  /** The web app's pages, in wouter's syntax. */
  readonly pages: Iterable<string>;
}

/** @throws StartError that names the first collision and how to resolve it */
export const assertAddressesDiffer = ({ operations, own, pages }: Addresses): void => {
  const seen: { method: string; path: string; name: string }[] = [];
  for (const [name, { rest }] of operationsOf(operations)) {
    if (!rest) continue;
    const { method, path } = rest;
    const declared = `The REST path ${method} ${path} of \`${name}\``;
    const same = seen.filter((each) => isSame(each.path, path));
    const twin = same.find((each) => each.method === method);
    if (twin) throw new StartError(`${declared} is also that of \`${twin.name}\`. Give one of them another path.`);
    // The path is one in OpenAPI too, so its parameters have one name (OpenAPI 3.1 §4.8.8).
    const other = same.find((each) => each.path !== path);
    if (other)
      throw new StartError(
        `${declared} is that of \`${other.name}\` in another spelling. Write ${other.path} in both.`,
      );
    for (const page of pages) {
      if (overlap(path, page))
        throw new StartError(
          `${declared} is also an address of the web app's page \`${page}\`. Give the operation another path, such as /api${path}, or move the page.`,
        );
    }
    for (const address of own) {
      if (overlap(path, address))
        throw new StartError(
          `${declared} is also the server's own address \`${address}\`. Give the operation another path, such as /api${path}.`,
        );
    }
    seen.push({ method, path, name });
  }
  for (const page of pages) {
    for (const address of own) {
      if (overlap(page, address))
        throw new StartError(
          `The web app's page \`${page}\` is also the server's own address \`${address}\`. Move the page to another address.`,
        );
    }
  }
};

/** One segment: `{id}` in the contract, `:id` in Fastify and wouter. */
const any = Symbol("any");
/** The rest of a path, or nothing: `*` in Fastify, `*?` in wouter. */
const rest = Symbol("rest");

const segmentsOf = (path: string) =>
  path
    .split("/")
    .filter((segment) => segment !== "")
    .map((segment) => {
      if (/^\*\??$/.test(segment)) return rest;
      return /^(:.+|\{.+\})$/.test(segment) ? any : segment.toLowerCase();
    });

/** Whether some URL matches both. */
const overlap = (one: string, other: string): boolean => {
  const [left, right] = [segmentsOf(one), segmentsOf(other)];
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const [a, b] = [left[place], right[place]];
    if (a === rest || b === rest) return true;
    if (a === undefined || b === undefined) return false;
    if (a !== b && a !== any && b !== any) return false;
  }
  return true;
};

/** Whether both match exactly the same URLs. */
const isSame = (one: string, other: string): boolean => {
  const [left, right] = [segmentsOf(one), segmentsOf(other)];
  return left.length === right.length && left.every((segment, place) => segment === right[place]);
};
