// Owns the network of the tests: recorded requests, faked and lost answers, and a browser's cookies.

interface Recorded {
  readonly url: URL;
  readonly authorization: string | null;
  readonly body: string;
  status: number | null;
}

type Fetch = typeof globalThis.fetch;

interface Network {
  readonly requests: Recorded[];
  /** An answer in place of the server's. `null`: the server answers. */
  answer: (path: string) => Promise<Response | null> | null;
  /** Changes the server's answer. */
  change: (path: string, response: Response) => Promise<Response>;
  /** Delays the server's answer until the promise resolves. */
  hold: (path: string) => Promise<unknown> | null;
  /** Whether the server's answer is lost. */
  lose: (path: string) => boolean;
  readonly fetch: Fetch;
}

/** `fetch` with a record of its requests. It can answer in place of the server, and change, delay or lose its answers. */
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

export const issuedTokens = (requests: readonly Recorded[]) =>
  requests.filter(({ url }) => url.pathname.endsWith("/auth.issueAccessToken"));

/** `fetch` of a page of `origin`, in a browser that keeps the cookies of this one site. */
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

/** A sign-in that one factor completed. */
export const complete = <Answer extends { readonly status: string }>(
  answer: Answer,
): Extract<Answer, { status: "signed_in" }> => {
  if (answer.status !== "signed_in") throw new Error("The sign-in is not complete");
  return answer as Extract<Answer, { status: "signed_in" }>; // checked above
};
