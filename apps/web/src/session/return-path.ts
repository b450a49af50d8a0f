// Owns the way to the sign-in page and back: which address a person is returned to. Only ever one of
// this app: an address from the query string is whatever a link's author wanted it to be.

import { paths } from "../pages/paths.ts";

export const signInPath = paths.signIn;

const parameter = "return";

/** Where to sign in, to be returned to `path` afterwards. */
export const signInAddress = (path: string): string =>
  path === "/" ? signInPath : `${signInPath}?${new URLSearchParams({ [parameter]: path })}`;

/** Where the sign-in page at `search` returns to: a path of `origin`, and `/` when asked for anything else. */
export const returnPath = (search: string, origin: string): string => {
  const asked = new URLSearchParams(search).get(parameter);
  // Browsers read backslashes, tabs and dots in their own way, so what counts is what they make of it.
  if (!asked?.startsWith("/") || !URL.canParse(asked, origin)) return "/";
  const url = new URL(asked, origin);
  if (url.origin !== origin || url.pathname.startsWith("//") || url.pathname === signInPath) return "/";
  return url.pathname + url.search + url.hash;
};
