import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  // The browser calls this origin, so the session cookie is this origin's. `vite preview` forwards the same.
  server: { proxy: { "/trpc": process.env.API_URL ?? "http://localhost:3000" } },
});
