// Owns the way to the sign-in page and back. The address to return to comes from the query string, which is untrusted:
// only a path of this app is accepted.

import { paths } from "../paths.ts";

export const signInPath = paths.signIn;

const parameter = "return";

/** The query string, with its question mark, for a page that returns to `path` afterwards. */
export const returnSearch = (path: string): string =>
  path === "/" ? "" : `?${new URLSearchParams({ [parameter]: path })}`;

/** The address of the sign-in page that returns to `path` afterwards. */
export const signInAddress = (path: string): string => signInPath + returnSearch(path);

/** Where the sign-in page at `search` returns to: a path of `origin`, or `/` if the query asks for anything else. */
export const returnPath = (search: string, origin: string): string => {
  const asked = new URLSearchParams(search).get(parameter);
  // Browsers normalise backslashes, tabs and dots: check the address that they would open.
  if (!asked?.startsWith("/") || !URL.canParse(asked, origin)) return "/";
  const url = new URL(asked, origin);
  if (url.origin !== origin || url.pathname.startsWith("//") || url.pathname === signInPath) return "/";
  return url.pathname + url.search + url.hash;
};
