// Owns the form of the origins in `ALLOWED_ORIGINS`: exactly as a browser writes them in `Origin`, so that comparing
// text decides. `cross-origin.ts` and `cookies.ts` own what pages of these origins may do.
// @see https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin

import { z } from "zod";

/** Schemes of pages: of the web, and of the programs that show pages of their own. */
const schemes = ["https", "http", "capacitor", "ionic", "tauri", "app", "chrome-extension", "moz-extension"];

/** Why a text is not an origin, as the end of a sentence. `null`: it is one. */
const faultOf = (text: string): string | null => {
  if (text.includes("*")) return "but wildcards are not allowed: list each origin";
  if (text === "null") return "which is the origin of every sandboxed page, whoever made it";
  const [scheme] = text.split("://", 1);
  if (scheme === text || !URL.canParse(text)) return "which is not an origin such as https://app.example.com";
  const { protocol, host, pathname, search, hash } = new URL(text);
  if (!schemes.includes(protocol.slice(0, -1))) return `whose scheme is none of ${schemes.join(", ")}`;
  if (host === "") return "which names no host";
  // `URL.origin` is "null" for schemes that are not the web's, whose hosts keep their case.
  const origin = `${protocol}//${host.toLowerCase()}`;
  if (text === origin) return null;
  if (text === `${origin}/`) return `with a slash at its end: write ${origin}`;
  if (pathname.length > 1 || search || hash) return `which is more than an origin: write ${origin}`;
  return `which browsers write as ${origin}: write that`;
};

/** The origin of pages, such as `https://app.example.com` or `capacitor://localhost`. */
export const PageOrigin = z.string().refine((text) => faultOf(text) === null, {
  error: ({ input }) => `has ${JSON.stringify(input)}, ${faultOf(String(input))}`,
});

/** Whether an origin's host is always the machine of the browser itself. */
export const isLoopback = (origin: string): boolean => {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname) || hostname.endsWith(".localhost");
};
