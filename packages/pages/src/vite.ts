// Owns how the web app is served in development and built: its HTML page, hashed files with a brotli and a gzip copy
// for the server to send, and the list of its addresses.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import type { Brand } from "@lockstep/kit";
import { type HtmlTagDescriptor, type Plugin, runnerImport } from "vite";
import { colorSchemeKey } from "./layout/color-scheme-key.ts";
import type { OwnPages } from "./paths.ts";
import { type Theme, themeCss } from "./theme.ts";

export type { Theme, ThemeColors } from "./theme.ts";

/** The options of `lockstep`. */
export interface LockstepViteOptions {
  readonly brand: Brand;
  readonly theme?: Theme;
  /** The module that exports `ownPages`, below the root. Default: `src/pages.ts`. */
  readonly pages?: string;
}

/**
 * Vite's plugins for a web app with the pages of this package.
 *
 * In development, pages come through the server, at `WEB_DEV_URL` (default `http://localhost:5173`). Modules and hot
 * updates come from Vite directly, unless `WEB_HMR_PORT` names the one port that the browser can reach.
 */
export const lockstep = ({ brand, theme, pages = "src/pages.ts" }: LockstepViteOptions): Plugin[] => {
  const { origin, hostname, port } = new URL(process.env["WEB_DEV_URL"] || "http://localhost:5173");
  const hmrPort = process.env["WEB_HMR_PORT"];
  return [
    settings({ hostname, port: Number(port), hmrPort: Number(hmrPort || port) }),
    addressNote(origin),
    htmlPage(brand),
    ownFiles({ [colorSchemeFile]: colorSchemeScript, [themeFile]: themeCss(brand, theme) }),
    withoutJsonSchema(),
    addressList(pages),
    precompressed(),
    ...(hmrPort ? [] : [modulesFromVite(origin)]),
  ];
};

interface Settings {
  readonly hostname: string;
  readonly port: number;
  readonly hmrPort: number;
}

const settings = ({ hostname, port, hmrPort }: Settings): Plugin => ({
  name: "lockstep:settings",
  config: () => ({
    server: {
      host: hostname,
      port,
      strictPort: true,
      // Not through the server, whose restarts would reload the page and lose typed input.
      ws: { clientPort: hmrPort },
    },
    optimizeDeps: {
      // Pages and stylesheets are modules of their own, and the app and its pages share one client.
      exclude: ["@lockstep/client", "@lockstep/kit", "@lockstep/pages"],
      // Vite looks for libraries in the app's sources alone. Some of these are CommonJS, which no browser reads.
      include: bundledLibraries,
    },
    build: {
      target: "baseline-widely-available",
      // The content security policy of the server allows no inlined files.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        checks: {
          // A page that is listed in `ownPages` may come with the first page.
          ineffectiveDynamicImport: false,
          // Compressing the files takes most of the time of a build.
          bundlerTimings: false,
        },
        output: {
          codeSplitting: {
            groups: [
              // A separate chunk for libraries, so that it stays in the browser's cache when only the app changes. It
              // contains the module that sets up zod, which must run before any schema is built.
              { name: "libraries", test: isLibrary, tags: ["$initial"], priority: 1 },
              // Everything that the first page needs, in one file.
              { name: "app", tags: ["$initial"] },
            ],
          },
        },
      },
    },
  }),
});

/** Says what Vite's address is for. At that address the pages have no server to call. */
const addressNote = (origin: string): Plugin => ({
  name: "lockstep:address-note",
  apply: "serve",
  configureServer(server) {
    server.printUrls = () =>
      server.config.logger.info(`  ${origin}/ serves the modules of the pages. Open the server's address instead.`);
  },
});

/** The libraries that this package and the client import in a browser. */
const bundledLibraries = [
  "@lockstep/pages > @lockstep/client > altcha-lib",
  "@lockstep/pages > @lockstep/client > altcha-lib/algorithms/web/pbkdf2",
  "@lockstep/pages > @lockstep/client > eventsource-parser",
  "@lockstep/pages > @mantine/core",
  "@lockstep/pages > @simplewebauthn/browser",
  "@lockstep/pages > @tanstack/react-query",
  "@lockstep/pages > @trpc/client",
  "@lockstep/pages > @trpc/server/observable",
  "@lockstep/pages > @trpc/tanstack-react-query",
  "@lockstep/pages > @zxcvbn-ts/core",
  "@lockstep/pages > @zxcvbn-ts/language-common",
  "@lockstep/pages > react",
  "@lockstep/pages > react-dom/client",
  "@lockstep/pages > react/jsx-runtime",
  "@lockstep/pages > wouter",
  "@lockstep/pages > wouter/use-browser-location",
  "@lockstep/pages > zod",
];

/** Lockstep's own packages are excluded: their pages are loaded when they are opened. */
const isLibrary = (id: string): boolean =>
  /\/zod-without-eval\.[jt]s$/.test(id) || (id.includes("/node_modules/") && !/\/node_modules\/@lockstep\//.test(id));

/** Adds the title, the icon, the theme and the script of the colour scheme to the page. */
const htmlPage = ({ name, logo }: Brand): Plugin => ({
  name: "lockstep:html-page",
  transformIndexHtml: (): HtmlTagDescriptor[] => [
    { tag: "title", children: escapeText(name), injectTo: "head" },
    ...(logo === undefined
      ? []
      : [{ tag: "link", attrs: { rel: "icon", href: logo }, injectTo: "head" } satisfies HtmlTagDescriptor]),
    { tag: "link", attrs: { rel: "stylesheet", href: `/${themeFile}` }, injectTo: "head-prepend" },
    { tag: "script", attrs: { src: `/${colorSchemeFile}` }, injectTo: "head-prepend" },
  ],
});

const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const colorSchemeFile = "color-scheme.js";

/**
 * Sets the colour scheme before the first paint, so that the page never flashes in the other one. A file, because the
 * content security policy forbids inline scripts. The choice is made in `layout/color-scheme.ts`.
 */
const colorSchemeScript = `(() => {
  let scheme = null;
  try {
    scheme = localStorage.getItem(${JSON.stringify(colorSchemeKey)});
  } catch {
    // This page may not use storage. Follow the system.
  }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.mantineColorScheme = scheme;
})();
`;

/** The theme, as a stylesheet before the first paint: a style element would need JavaScript, and flash. */
const themeFile = "theme.css";

/** Serves generated files, and adds them to the build. */
const ownFiles = (files: Readonly<Record<string, string>>): Plugin => ({
  name: "lockstep:own-files",
  configureServer(server) {
    for (const [name, content] of Object.entries(files)) {
      const type = name.endsWith(".css") ? "text/css" : "text/javascript";
      server.middlewares.use(`/${name}`, (_request, response) => {
        response.setHeader("content-type", `${type}; charset=utf-8`).end(content);
      });
    }
  },
  generateBundle() {
    for (const [fileName, source] of Object.entries(files)) this.emitFile({ type: "asset", fileName, source });
  },
});

/**
 * Lets the page fetch its modules from Vite directly. Through the server, a hot update of the contract would fail: the
 * server restarts for the same change, and refuses connections while the browser fetches the changed modules.
 */
const modulesFromVite = (origin: string): Plugin => ({
  name: "lockstep:modules-from-vite",
  apply: "serve",
  transformIndexHtml: {
    order: "post",
    // Those that Vite and React add to the page as well: a module that came from both places would run twice.
    handler: (html) => html.replaceAll(/(?<= src=| from )"(?=\/(@|src\/))/g, `"${origin}`),
  },
});

/** Removes zod's JSON Schema generator: every schema refers to it, and no page uses it. */
const withoutJsonSchema = (): Plugin => ({
  name: "lockstep:without-json-schema",
  apply: "build",
  enforce: "pre",
  transform: {
    filter: { id: /\/zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js$/ },
    handler(code) {
      const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
      return names.map((name) => `export const ${name} = () => undefined;`).join("\n");
    },
  },
});

/** Tells the server the addresses of the pages, in `pages.json`: no REST path may be one of them. */
const addressList = (file: string): Plugin => {
  let root = "";
  return {
    name: "lockstep:address-list",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    async generateBundle() {
      const { module } = await runnerImport<{ readonly ownPages: OwnPages }>(join(root, file));
      this.emitFile({ type: "asset", fileName: "pages.json", source: JSON.stringify(module.ownPages.paths) });
    },
  };
};

const precompressed = (): Plugin => {
  let directory = "";
  return {
    name: "lockstep:precompressed",
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
};
