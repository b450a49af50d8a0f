// The pages of a Lockstep backend, and how an app customizes them: brand, theme, words, components in our pages
// (slots), and pages in place of ours. The parts of pages are in `@lockstep/pages/parts`.

import "./app/zod-without-eval.ts";

export { LockstepApp, type LockstepAppProps, type ShellProps } from "./app/app.tsx";
export type { NavigationItem } from "./app/context.ts";
export { mountApp } from "./app/mount-app.tsx";
export type { AroundSlots, SectionSlots, Slots } from "./app/slots.ts";
export type { PageName, PageProps } from "./pages.ts";
export type { OwnPage, OwnPages } from "./paths.ts";
export type { AppWords, Words } from "./words/words.ts";
