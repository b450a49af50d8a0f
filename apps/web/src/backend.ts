// Owns the connection to the backend: the typed client, what it answered so far, and the tokens of this page.

import { type AppRouter, createClient, memoryTokens } from "@lockstep/client";
import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { createSession } from "./session/session.ts";

const tokens = memoryTokens();

export const session = createSession(tokens);

export const queryClient = new QueryClient({
  defaultOptions: {
    // "always": a call without a network fails at once and says so, instead of waiting without a word.
    queries: { networkMode: "always", retry: false, refetchOnReconnect: true },
    // A sign-in's input is a password: nothing of it stays behind.
    mutations: { networkMode: "always", gcTime: 0 },
  },
});

// Whoever is signed in next must see nothing of whoever was before.
session.subscribe(() => queryClient.getQueryCache().clear());

export const client = createClient({ url: location.origin, tokens });

export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });
