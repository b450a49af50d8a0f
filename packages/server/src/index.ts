// The public surface for an app's server.

export { sql } from "kysely";
export { type App, defineApp, type Tools } from "./app.ts";
export { defineMigrations, type Migrations } from "./db/app-migrations.ts";
export type {
  AdmissionAnswer,
  AdmissionRequest,
  Hooks,
  HookTools,
} from "./domain/admission/admission.ts";
export { randomId } from "./domain/kernel/environment.ts";
export type { MailPart } from "./domain/mail/layout.ts";
export type { MailContent } from "./domain/mail/mails.ts";
export type { MailTemplates, MailTools } from "./domain/mail/templates.ts";
export { type StartOptions, startServer } from "./start.ts";
