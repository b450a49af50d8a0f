export type { AppRouter, Scope, SessionEndReason, SessionEvent, User } from "@lockstep/contract";
export { type Client, type ClientOptions, createClient, type OwnApp, type RouterFor, sessionOf } from "./client.ts";
export { type ErrorOf, errorOf, type Unreachable } from "./errors.ts";
export type { ConsentNeeded, StepUp } from "./prompts.ts";
export type { ClientSession, SessionState } from "./session.ts";
export type { News, Tabs } from "./tabs.ts";
export { type MemoryTokens, memoryTokens, type Slot, type TokenStore, type Tokens } from "./tokens.ts";
