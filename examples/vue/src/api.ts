import { createClient } from "@lockstep/client";

export const api = createClient({ url: location.origin, transport: "cookie" });
