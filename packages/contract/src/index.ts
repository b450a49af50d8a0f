export * from "./access.ts";
export * from "./contract.ts";
export * from "./errors.ts";
export * from "./operation.ts";
export * from "./router.ts";
export * from "./scopes.ts";
export * from "./sign-in.ts";
export * from "./users.ts";
