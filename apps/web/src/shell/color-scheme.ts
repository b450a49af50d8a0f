// Owns where the choice of a colour scheme is remembered. `public/color-scheme.js` reads it before the first paint.

import { localStorageColorSchemeManager } from "@mantine/core";

export const colorSchemeManager = localStorageColorSchemeManager({ key: "lockstep-color-scheme" });
