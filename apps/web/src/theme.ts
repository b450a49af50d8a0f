// How this app looks, beside the colours of its brand. What is left out keeps the default of the pages.

import type { Theme } from "@lockstep/pages/vite";

export const theme: Theme = {
  dark: { link: "#66d2ba", accentText: "#7fdcc6" },
};
