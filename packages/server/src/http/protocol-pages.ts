// Owns how a page that is part of a protocol is sent: the web app's page, with its data in a `<meta>` element. It
// contains no inline script, so the policy of every other page applies.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Brand, type ProtocolPage, protocolPageMeta } from "@lockstep/kit";
import { escaped } from "../html.ts";

export const createProtocolPages = ({
  directory,
  devUrl,
  fetch,
  brand,
}: {
  /** The folder of the web app's build. */
  directory: string | null;
  devUrl: string | null;
  fetch: typeof globalThis.fetch;
  brand: Brand;
}) => {
  let built: Promise<string> | undefined;
  const template = async (): Promise<string> => {
    if (devUrl !== null) return (await fetch(devUrl)).text();
    if (directory === null) return notBuilt(brand);
    built ??= readFile(join(directory, "index.html"), "utf8").catch(() => notBuilt(brand));
    return built;
  };
  return async (page: ProtocolPage): Promise<string> => {
    const meta = `<meta name="${protocolPageMeta}" content="${escaped(JSON.stringify(page))}">`;
    return (await template()).replace("</head>", () => `${meta}</head>`);
  };
};

const notBuilt = ({ name }: Brand) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(name)}</title></head>
<body><p>The web app is not built yet: run <code>npm run build</code>, then start again.</p></body></html>
`;
