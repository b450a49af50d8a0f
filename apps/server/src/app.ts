// The app: its contract, migrations and procedures.

import { brand, contract } from "@app/contract";
import { defineApp } from "@lockstep/server";
import { noteProcedures, notesMigrations } from "./notes.ts";
import { demoProcedures } from "./protected-route.ts";

export const app = defineApp({
  brand,
  contract,
  migrations: [
    notesMigrations, //
  ],
  procedures: (tools) => ({
    note: noteProcedures(tools),
    demo: demoProcedures(tools),
  }),
  developmentClients: {
    // The demo client in the terminal, which is redirected to a port of the user's machine (RFC 8252 §7.3).
    "lockstep-cli": {
      name: "Lockstep in the terminal",
      kind: "native",
      redirectUris: ["http://127.0.0.1/callback"],
      scopes: Object.keys(contract.scopes),
    },
  },
});
