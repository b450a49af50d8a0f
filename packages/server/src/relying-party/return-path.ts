// Owns where a browser is sent after a provider: a path of this server, whatever was asked for.

/** The longest that is kept: it travels in a cookie. */
const maxLength = 1000;

/** A path of `origin`, and `/` when asked for anything else. */
export const returnPath = (asked: unknown, origin: string): string => {
  if (typeof asked !== "string" || asked.length > maxLength) return "/";
  // Browsers read backslashes, tabs and dots in their own way, so what counts is what they make of it.
  if (!asked.startsWith("/") || !URL.canParse(asked, origin)) return "/";
  const url = new URL(asked, origin);
  if (url.origin !== origin || url.pathname.startsWith("//")) return "/";
  return url.pathname + url.search + url.hash;
};
