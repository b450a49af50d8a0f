import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [sveltekit()], // add the adapter of your host
  // The browser calls this origin, so the session cookie is this origin's. `vite preview` forwards the same.
  server: { proxy: { "/trpc": process.env.API_URL ?? "http://localhost:3000" } },
});
