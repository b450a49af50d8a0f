// Calls from this server to the backend, as the user of the current request.

import { errorOf } from "@lockstep/client";
import { createServerClient } from "@lockstep/client/server";
import { cookies, headers } from "next/headers";
import { cache } from "react";
import { API_URL } from "./api-url";

/** For server components. All components of a page share one client. */
export const api = cache(async () => createServerClient({ url: API_URL, headers: await headers() }));

/** For server actions and route handlers, which can set cookies. */
export const actionApi = async () => {
  const store = await cookies();
  return createServerClient({
    url: API_URL,
    headers: await headers(),
    setCookie: ({ name, value, options }) => store.set(name, value, options),
  });
};

/** `null`: no user is signed in. */
export const currentUser = cache(async () => {
  try {
    return await (await api()).user.me.query();
  } catch (thrown) {
    const error = errorOf("user.me", thrown);
    if (error?.code === "UNAUTHENTICATED" || error?.code === "INVALID_TOKEN") return null;
    throw thrown;
  }
});
