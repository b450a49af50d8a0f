// Owns what the demonstration provider is told of the server whose people sign in through it.

export interface DemoClient {
  /** Where browsers reach the server. */
  readonly publicUrl: string;
  /** Where the provider itself reaches it. */
  readonly reachableAt: string;
  /** What the provider is called in the server's settings. */
  readonly providerName: string;
}

/** The server's client at the provider; nothing there is worth a secret. */
export const demoCredentials = { clientId: "lockstep", clientSecret: "demo" } as const;
