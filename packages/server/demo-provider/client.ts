// Owns the demo identity provider's configuration of its client, the server.

export interface DemoClient {
  /** The URL at which browsers reach the server. */
  readonly publicUrl: string;
  /** The URL at which the identity provider reaches it. */
  readonly reachableAt: string;
  /** The identity provider's name in the server's settings. */
  readonly providerName: string;
}

/** The server's client at the identity provider. It protects nothing, so the secret is a constant. */
export const demoCredentials = { clientId: "lockstep", clientSecret: "demo" } as const;
