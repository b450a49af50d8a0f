// The public surface for an app's server.

export { type App, defineApp, type Tools } from "./app.ts";
export { type StartOptions, startServer } from "./start.ts";
