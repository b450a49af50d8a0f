export * from "./brand.ts";
export * from "./contract.ts";
