import { defineEnvVars } from "@sveltejs/kit/env";

export const variables = defineEnvVars({
  API_URL: { schema: (value) => value ?? "http://localhost:3000", description: "The backend" },
});
