// What this service is to those who use it: the one place that names it, and says what it looks like.

import type { Brand } from "@lockstep/kit";

export const brand = {
  name: "Lockstep",
  logo: "/logo.svg", // apps/web/public/logo.svg
  colors: { light: "#0f6b5c", dark: "#14806d" },
} as const satisfies Brand;
