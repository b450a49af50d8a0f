// Owns single calls over RPC on kept-alive connections, as cheap for the caller as Node allows.

import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterSeconds: number;
}

/** @param connections the maximum of open connections */
export const createCaller = (url: string, connections = 1) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send = (path: string, headers: Record<string, string>, body: string | null) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(`${url}/trpc/${path}`, { agent, headers, method: body === null ? "GET" : "POST" });
      sent.on("error", reject);
      sent.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            text,
            retryAfterSeconds: Number(response.headers["retry-after"] ?? 0),
          }),
        );
      });
      sent.end(body);
    });
  const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });
  return {
    query: (path: string, accessToken: string) => send(path, bearer(accessToken), null),
    mutate: (path: string, input: unknown, headers: Record<string, string> = {}) =>
      send(path, { "content-type": "application/json", ...headers }, JSON.stringify(input)),
    bearer,
    close: () => agent.destroy(),
  };
};

/** @throws Error when the call was refused */
export const dataOf = <T>({ status, text }: Answer): T => {
  if (status !== 200) throw new Error(`A call was answered with ${status}: ${text}`);
  return (JSON.parse(text) as { result: { data: T } }).result.data;
};
