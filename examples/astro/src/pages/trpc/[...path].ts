// Forwards the browser's calls to the backend, so the session cookie is this origin's. A reverse proxy can do this instead.

import { API_URL } from "astro:env/server";
import type { APIRoute } from "astro";

export const ALL: APIRoute = ({ request, url }) =>
  fetch(new Request(new URL(url.pathname + url.search, API_URL), request));
