// Owns how the web app is served while it is worked on, and how it is built: hashed files, and beside
// each a brotli and a gzip copy for the server to send.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { paths } from "./src/pages/paths.ts";

/** Where the server fetches pages and modules from: `pnpm dev` gives both this setting. */
const { hostname, port } = new URL(process.env["WEB_DEV_URL"] || "http://localhost:5173");

export default defineConfig({
  plugins: [react(), withoutJsonSchema(), pageList(), precompressed()],
  server: {
    host: hostname,
    port: Number(port),
    strictPort: true,
    // Hot updates come from here directly: through the server, each restart of it would reload the page, and what was
    // typed would be lost. `WEB_HMR_PORT` is for a browser that reaches the server's port alone, as in a container.
    hmr: { clientPort: Number(process.env["WEB_HMR_PORT"] || port) },
  },
  build: {
    target: "baseline-widely-available",
    // The content security policy of the server has no place for inlined files, and needs none.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Libraries apart from our own code: they stay in the browser's cache when only that changes. What sets up zod is
    // with them, for it must run before a schema is built in whichever chunk.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "libraries", test: /node_modules|\/zod-without-eval\.ts$/ }] } },
    },
  },
});

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
