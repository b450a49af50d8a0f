// The brand of this service. No other file contains its name, logo or colours.

import type { Brand } from "@lockstep/kit";

export const brand = {
  name: "Lockstep",
  logo: "/logo.svg", // apps/web/public/logo.svg
  colors: { light: "#0f6b5c", dark: "#14806d" },
} as const satisfies Brand;
