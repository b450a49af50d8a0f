import type { NextConfig } from "next";
import { API_URL } from "./api-url";

const config: NextConfig = {
  // The browser calls this origin, so the session cookie is this origin's. `next build` stores the URL.
  rewrites: async () => [{ source: "/trpc/:path*", destination: `${API_URL}/trpc/:path*` }],
};

export default config;
