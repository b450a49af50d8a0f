export type { AppRouter, Scope } from "@lockstep/contract";
export { type Client, type ClientOptions, createClient, type OwnApp, type RouterFor } from "./client.ts";
export { type ErrorOf, errorOf, type Unreachable } from "./errors.ts";
export { memoryTokens, type TokenStore, type Tokens } from "./tokens.ts";
