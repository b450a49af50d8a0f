import { type Client, createClient } from "@lockstep/client";

let client: Client | undefined;

/** Calls in the browser. The server has no `location`. */
export const useApi = () => {
  client ??= createClient({ url: location.origin, transport: "cookie" });
  return client;
};
