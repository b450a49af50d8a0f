// Owns the built web app that tests of the engine serve: one empty page.

import { join } from "node:path";

export const webDirectory = join(import.meta.dirname, "web");
