// Owns how the web app is served while it is worked on, and how it is built: hashed files, and beside
// each a brotli and a gzip copy for the server to send.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import { brand } from "@app/contract";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { paths } from "./src/pages/paths.ts";

/** Where the server fetches pages from: `npm run dev` gives both this setting. */
const { origin, hostname, port } = new URL(process.env["WEB_DEV_URL"] || "http://localhost:5173");

/** The port for hot updates, where a browser reaches the server's port alone, as in a container. */
const hmrPort = process.env["WEB_HMR_PORT"];

export default defineConfig({
  plugins: [
    react(),
    brandName(),
    withoutJsonSchema(),
    pageList(),
    precompressed(),
    ...(hmrPort ? [] : [modulesFromHere()]),
  ],
  server: {
    host: hostname,
    port: Number(port),
    strictPort: true,
    // Directly too: through the server, each restart of it would reload the page, and what was typed would be lost.
    hmr: { clientPort: Number(hmrPort || port) },
  },
  build: {
    target: "baseline-widely-available",
    // The content security policy of the server has no place for inlined files, and needs none.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Libraries apart from our own code: they stay in the browser's cache when only that changes. What sets up zod is
    // with them, for it must run before a schema is built in whichever chunk.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "libraries", test: /node_modules|\/zod-without-eval\.ts$/, priority: 1 },
            // All that the first page needs, in one file instead of one for each set of pages that share some of it.
            { name: "app", tags: ["$initial"] },
          ],
        },
      },
    },
  },
});

/** Puts the service's name into the page. */
function brandName(): Plugin {
  return { name: "brand-name", transformIndexHtml: (html) => html.replaceAll("%BRAND_NAME%", brand.name) };
}

/**
 * Lets the page fetch its modules from here directly. Through the server, a hot update of the contract would fail: the
 * server restarts for the same change, and refuses connections while the browser fetches the changed modules.
 */
function modulesFromHere(): Plugin {
  return {
    name: "modules-from-here",
    apply: "serve",
    transformIndexHtml: {
      order: "post",
      // All of them, those that Vite and React add to the page included: a module that came from both places would run
      // twice.
      handler: (html) => html.replaceAll(/(?<= src=| from )"(?=\/(@|src\/))/g, `"${origin}`),
    },
  };
}

/** Leaves out what zod makes JSON Schema with: each schema refers to it, and nothing here ever asks for it. */
function withoutJsonSchema(): Plugin {
  return {
    name: "without-json-schema",
    apply: "build",
    enforce: "pre",
    transform: {
      filter: { id: /\/zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js$/ },
      handler(code) {
        const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
        return names.map((name) => `export const ${name} = () => undefined;`).join("\n");
      },
    },
  };
}

/** Tells the server which addresses are pages: `http/addresses.ts` there. */
function pageList(): Plugin {
  return {
    name: "page-list",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "pages.json", source: JSON.stringify(Object.values(paths)) });
    },
  };
}

function precompressed(): Plugin {
  let directory = "";
  return {
    name: "precompressed",
    apply: "build",
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    writeBundle() {
      for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|txt|json)$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const content = readFileSync(file);
        const params = { [zlib.BROTLI_PARAM_SIZE_HINT]: content.length };
        writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}
