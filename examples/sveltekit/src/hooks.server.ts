// Restores the session before each page and action: refreshes it when that is due, and hands it on in `locals`.

import { createServerClient, restoreSession, type ServerCookie } from "@lockstep/client/server";
import type { Handle } from "@sveltejs/kit/hooks";
import { API_URL } from "$app/env/private";

export const handle: Handle = async ({ event, resolve }) => {
  const setCookie = ({ name, value, options }: ServerCookie) => event.cookies.set(name, value, options);
  const { user, headers, cookies } = await restoreSession({ url: API_URL, headers: event.request.headers });
  for (const cookie of cookies) setCookie(cookie);
  event.locals.user = user;
  event.locals.api = createServerClient({ url: API_URL, headers, setCookie });
  return resolve(event);
};
