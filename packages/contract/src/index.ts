export * from "./brand.ts";
export * from "./contract.ts";
export * from "./notes.ts";
