// Owns where the choice of a colour scheme is remembered. The script that `vite.ts` adds to the page reads it before the
// first paint.

import { localStorageColorSchemeManager } from "@mantine/core";
import { colorSchemeKey } from "./color-scheme-key.ts";

export const colorSchemeManager = localStorageColorSchemeManager({ key: colorSchemeKey });
