// A watcher of an event stream over HTTP, which reads what a server sends as the specification of
// server-sent events says, and nothing more. @see https://html.spec.whatwg.org/multipage/server-sent-events.html

export interface StreamEvent {
  readonly type: string;
  readonly data: unknown;
}

/** Opens a stream; `next` is `null` when the server has ended it. */
export const openStream = async (url: string, headers: Record<string, string> = {}) => {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: "text/event-stream", ...headers }, signal: abort.signal });
  const events = read(response);
  return {
    response,
    /** The next event that is no ping. */
    async next(): Promise<StreamEvent | null> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) return null;
        if (value.type !== "ping") return value;
      }
    },
    /** Goes away, as a closed tab does. */
    leave: () => abort.abort(),
  };
};

async function* read(response: Response): AsyncGenerator<StreamEvent, void, undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = text
        .slice(0, end)
        .split("\n")
        .map((line) => /^(\w*): ?(.*)$/.exec(line) ?? []);
      text = text.slice(end + 2);
      const all = (name: string) => fields.filter(([, field]) => field === name).map(([, , value]) => value);
      const data = all("data").join("\n");
      yield { type: all("event")[0] ?? "message", data: data === "" ? null : JSON.parse(data) };
    }
  }
}
