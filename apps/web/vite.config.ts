// Vite's configuration of the web app.

import { brand } from "@app/contract";
import { lockstep } from "@lockstep/pages/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { theme } from "./src/theme.ts";

export default defineConfig({
  plugins: [react(), lockstep({ brand, theme })],
});
