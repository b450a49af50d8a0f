// Simulates a browser's trip to an identity provider and back: keeps cookies, and follows redirects and forms.

import type { FastifyInstance, LightMyRequestResponse } from "fastify";

/** The cookies of one browser, by origin and name. Paths are ignored: no test depends on them. */
const jar = () => {
  const cookies = new Map<string, string>();
  return {
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    take(setCookies: readonly string[]) {
      for (const line of setCookies) {
        const [pair = "", ...attributes] = line.split(";");
        const name = pair.slice(0, pair.indexOf("="));
        const gone = attributes.some((each) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(each));
        if (gone) cookies.delete(name);
        else cookies.set(name, pair.slice(pair.indexOf("=") + 1));
      }
    },
    names: () => [...cookies.keys()],
    get: (name: string) => cookies.get(name),
    set: (name: string, value: string) => cookies.set(name, value),
  };
};

export const openBrowser = (app: FastifyInstance) => {
  const ours = jar();
  const theirs = jar();

  /** A navigation within our own server. `site` is the value of `Sec-Fetch-Site`. */
  const visit = async (url: string, site: "same-origin" | "cross-site" | "none" = "same-origin") => {
    const response = await app.inject({
      url,
      headers: { cookie: ours.header(), "sec-fetch-site": site, accept: "text/html" },
    });
    ours.take([response.headers["set-cookie"] ?? []].flat());
    return response;
  };

  /** A request to the identity provider. Follows redirects within it, and returns a page, or a URL elsewhere. */
  const atProvider = async (
    url: string,
    init: RequestInit = {},
  ): Promise<{ location: string } | { page: string; url: string }> => {
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: { ...init.headers, cookie: theirs.header() },
    });
    theirs.take(response.headers.getSetCookie());
    const location = response.headers.get("location");
    if (location === null) return { page: await response.text(), url };
    await response.body?.cancel();
    const next = new URL(location, url);
    return next.origin === new URL(url).origin ? atProvider(next.href) : { location: next.href };
  };

  /** Sends the page's form, as `oidc-provider` makes it. */
  const submit = ({ page, url }: { page: string; url: string }, fields: Record<string, string>) => {
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (!action) throw new Error(`There is no form: ${page}`);
    const hidden = Object.fromEntries(
      [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((match) => [match[1], match[2]]),
    );
    return atProvider(new URL(action, url).href, {
      method: "POST",
      body: new URLSearchParams({ ...hidden, ...fields }),
    });
  };

  /** Signs in at the identity provider and consents, page after page. Returns the URL that leads back. */
  const signInAtProvider = async (start: string, login: string): Promise<URL> => {
    let now = await atProvider(start);
    for (let pages = 0; "page" in now; pages++) {
      if (pages > 4) throw new Error(`The identity provider shows too many pages: ${now.page}`);
      now = await submit(now, now.page.includes('name="login"') ? { login, password: "any" } : {});
    }
    return new URL(now.location);
  };

  return {
    ours,
    visit,
    atProvider,
    submit,
    signInAtProvider,

    /** The whole trip from `path`. Returns the answer of our callback. */
    async trip(path: string, login: string): Promise<LightMyRequestResponse> {
      const left = await visit(path);
      const back = await signInAtProvider(String(left.headers.location), login);
      return visit(back.pathname + back.search, "cross-site");
    },
  };
};
