// Restores the session before each page and action: refreshes it when that is due, and hands it on in `locals`.

import { API_URL } from "astro:env/server";
import { defineMiddleware } from "astro:middleware";
import { createServerClient, restoreSession, type ServerCookie } from "@lockstep/client/server";

export const onRequest = defineMiddleware(async ({ cookies: store, locals, request, url }, next) => {
  if (url.pathname.startsWith("/trpc/")) return next();
  const setCookie = ({ name, value, options }: ServerCookie) => store.set(name, value, options);
  const { user, headers, cookies } = await restoreSession({ url: API_URL, headers: request.headers });
  for (const cookie of cookies) setCookie(cookie);
  locals.user = user;
  locals.api = createServerClient({ url: API_URL, headers, setCookie });
  return next();
});
