// Restores the session before each page: refreshes it when that is due, and hands the user on to the page.

import type { User } from "@lockstep/client";
import { restoreSession } from "@lockstep/client/server";

declare module "h3" {
  interface H3EventContext {
    /** `null`: no user is signed in. */
    user?: User | null;
  }
}

export default defineEventHandler(async (event) => {
  if (/^\/(trpc|_nuxt)\//.test(event.path)) return;
  const { apiUrl } = useRuntimeConfig(event);
  const { user, cookies } = await restoreSession({ url: apiUrl, headers: event.headers });
  for (const { name, value, options } of cookies) setCookie(event, name, value, options);
  event.context.user = user;
});
