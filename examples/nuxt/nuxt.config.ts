const { API_URL = "http://localhost:3000" } = process.env;

export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  runtimeConfig: { apiUrl: API_URL },
  // The browser calls this origin, so the session cookie is this origin's. `nuxt build` stores the URL.
  routeRules: { "/trpc/**": { proxy: `${API_URL}/trpc/**` } },
});
