// Owns where a browser continues after signing in at an identity provider: always a path of this server.

/** The longest path that is kept: it is stored in a cookie. */
const maxLength = 1000;

/** A path of `origin`; `/` for anything else. */
export const returnPath = (asked: unknown, origin: string): string => {
  if (typeof asked !== "string" || asked.length > maxLength) return "/";
  // Browsers normalize backslashes, tabs and dots, so check the result of normalization.
  if (!asked.startsWith("/") || !URL.canParse(asked, origin)) return "/";
  const url = new URL(asked, origin);
  if (url.origin !== origin || url.pathname.startsWith("//")) return "/";
  return url.pathname + url.search + url.hash;
};
