// Owns the connection to the backend: the typed client, what it answered so far, and who is signed in here.

import type { AppRouter, Contract } from "@app/contract";
import { createClient, sessionOf } from "@lockstep/client";
import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { createSession } from "./session/session.ts";

export const queryClient = new QueryClient({
  defaultOptions: {
    // "always": a call without a network fails at once and says so, instead of waiting without a word.
    queries: { networkMode: "always", retry: false, refetchOnReconnect: true },
    // A sign-in's input is a password: nothing of it stays behind.
    mutations: { networkMode: "always", gcTime: 0 },
  },
});

export const client = createClient<Contract>({ url: location.origin, transport: "cookie" });

export const session = createSession(sessionOf(client));

// Whoever is signed in next must see nothing of whoever was before.
let owner: string | null = null;
session.subscribe(() => {
  const state = session.get();
  const now = state.status === "signed-in" ? (state.userId ?? owner) : null;
  if (now !== owner) queryClient.getQueryCache().clear();
  owner = now;
});

export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });
