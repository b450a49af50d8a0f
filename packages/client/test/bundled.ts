// Owns how the script of a page is made for the browser of a test.

import { join } from "node:path";
import { build } from "vite";

/** The script of a page with all its imports. */
export const bundled = async (entry: string): Promise<string> => {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: join(import.meta.dirname, entry), formats: ["iife"], name: "_" },
    },
  });
  const [result] = Array.isArray(built) ? built : [built];
  const code = result && "output" in result ? result.output[0].code : undefined;
  if (!code) throw new Error("The page was not built");
  return code;
};
