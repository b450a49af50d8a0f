// The app: its contract, and what answers its own operations.

import { brand, contract } from "@app/contract";
import { defineApp } from "@lockstep/server";
import { demoProcedures } from "./demo.ts";

export const app = defineApp({
  brand,
  contract,
  procedures: (tools) => ({
    demo: demoProcedures(tools),
  }),
  developmentClients: {
    // The demo in the terminal, whose users come back to a port of their own machine (RFC 8252 §7.3).
    "lockstep-cli": {
      name: "Lockstep in the terminal",
      kind: "native",
      redirectUris: ["http://127.0.0.1/callback"],
      scopes: ["profile:read", "greeting:read"],
    },
  },
});
