export type {
  EngineContract,
  RoutedContract,
  RpcErrorShape,
  SessionEndReason,
  SessionEvent,
  User,
} from "@lockstep/kit";
export {
  type Client,
  type ClientContract,
  type ClientOptions,
  createClient,
  type FirstPartyClient,
  type RouterFor,
  type ScopesOf,
  sessionOf,
} from "./client.ts";
export {
  type ErrorOf,
  type ErrorReader,
  errorOf,
  errorReader,
  type StreamingUnsupported,
  type Unreachable,
} from "./errors.ts";
export type { ConsentNeeded, StepUp } from "./prompts.ts";
export type { ClientSession, SessionState } from "./session.ts";
export type { News, Tabs } from "./tabs.ts";
export { type MemoryTokens, memoryTokens, type Slot, type TokenStore, type Tokens } from "./tokens.ts";
