// The list of this app's own pages. Add yours here. The server reads it too, so it imports pages only when they are
// opened.

import { definePages } from "@lockstep/pages/paths";

export const ownPages = definePages([
  { path: "/notes", label: "Notes", load: async () => (await import("./pages/notes.tsx")).NotesPage },
]);
