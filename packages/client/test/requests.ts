// Owns the network as tests see it: what was asked, answers that never came, and a browser's cookies.

interface Recorded {
  readonly url: URL;
  readonly authorization: string | null;
  readonly body: string;
  status: number | null;
}

type Fetch = typeof globalThis.fetch;

interface Network {
  readonly requests: Recorded[];
  /** An answer in the server's place; `null`: the server's. */
  answer: (path: string) => Promise<Response | null> | null;
  /** What arrives in the place of what the server answered. */
  change: (path: string, response: Response) => Promise<Response>;
  /** How long the server's answer takes to arrive, once it is given. */
  hold: (path: string) => Promise<unknown> | null;
  /** Whether the server's answer never arrives. */
  lose: (path: string) => boolean;
  readonly fetch: Fetch;
}

/** `fetch` with a record of what was asked, which can answer in the server's place, or lose what it answered. */
export const recorded = (fetch: Fetch): Network => {
  const network: Network = {
    requests: [],
    answer: () => null,
    change: async (_, response) => response,
    hold: () => null,
    lose: () => false,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const entry: Recorded = {
        url: new URL(request.url),
        authorization: request.headers.get("authorization"),
        body: await request.clone().text(),
        status: null,
      };
      network.requests.push(entry);
      const { pathname } = entry.url;
      const answered = network.answer(pathname);
      const aborted = new Promise<never>((_, reject) =>
        request.signal.addEventListener("abort", () => reject(request.signal.reason)),
      );
      aborted.catch(() => {});
      const given = answered && (await Promise.race([answered, aborted]));
      const response = given ?? (await fetch(request));
      entry.status = response.status;
      await network.hold(pathname);
      if (network.lose(pathname)) throw new TypeError("fetch failed");
      return network.change(pathname, response);
    },
  };
  return network;
};

export const refreshes = (requests: readonly Recorded[]) =>
  requests.filter(({ url }) => url.pathname.endsWith("/auth.refresh"));

/** `fetch` as a page of `origin` does it, in a browser of one site. */
export const cookieJar = (origin: string) => {
  const cookies = new Map<string, string>();
  const receive = (lines: readonly string[]) => {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split("; ");
      const [name = "", value = ""] = pair.split(/=(.*)/s);
      const expires = attributes.find((each) => /^expires=/i.test(each))?.slice("expires=".length);
      const isGone = value === "" || (expires !== undefined && Date.parse(expires) <= 0);
      if (isGone) cookies.delete(name);
      else cookies.set(name, value);
    }
  };
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const carried = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    if (carried) request.headers.set("cookie", carried);
    request.headers.set("origin", origin);
    const response = await globalThis.fetch(request);
    receive(response.headers.getSetCookie());
    return response;
  };
  return { fetch, cookies, receive };
};
