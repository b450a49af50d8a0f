// What this service is to those who use it: the one place that names it.

import type { Brand } from "@lockstep/kit";

export const brand = { name: "Lockstep" } as const satisfies Brand;
