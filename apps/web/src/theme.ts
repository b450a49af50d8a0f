// The app's theme, in addition to the colours of its brand. Values that are left out keep the defaults of the pages.

import type { Theme } from "@lockstep/pages/vite";

export const theme: Theme = {};
