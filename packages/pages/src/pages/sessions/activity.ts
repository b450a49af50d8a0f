// Owns the text of an entry in the account's history.

import type { HistoryEntry } from "@lockstep/kit";
import type { sessionsWords } from "./words.tsx";

export interface Activity {
  readonly text: string;
  /** Whether the account's owner should look twice. */
  readonly remarkable: boolean;
}

/** The text of the action. An unknown action is shown by its name. */
export const activityOf = (
  { action, outcome }: Pick<HistoryEntry, "action" | "outcome">,
  words: typeof sessionsWords.activity,
): Activity => {
  if (outcome === "refused") return { text: words.refused[action] ?? words.otherRefused(action), remarkable: true };
  return { text: words.done[action] ?? action, remarkable: action.endsWith(".reuse") };
};
