export * from "./access.ts";
export * from "./accounts.ts";
export * from "./brand.ts";
export * from "./challenges.ts";
export * from "./clients.ts";
export * from "./composed-contract.ts";
export * from "./contract.ts";
export * from "./engine.ts";
export * from "./errors.ts";
export * from "./factors.ts";
export * from "./features.ts";
export * from "./identities.ts";
export * from "./ids.ts";
export * from "./names.ts";
export {
  type AnyOperation,
  type Declare,
  isOperation,
  type Operation,
  type OperationAt,
  type OperationKind,
  type Operations,
  operationsOf,
  type PathOf,
  type RestRoute,
} from "./operation.ts";
export * from "./proofs.ts";
export * from "./recent-access.ts";
export * from "./router.ts";
export { engineScopes, identityScopes, type Scopes } from "./scopes.ts";
export * from "./sessions.ts";
export * from "./sign-in.ts";
export * from "./sign-in-steps.ts";
export * from "./text.ts";
export * from "./users.ts";
export * from "./with-zod.ts";
