export * from "./brand.ts";
export * from "./contract.ts";
export * from "./words.ts";
