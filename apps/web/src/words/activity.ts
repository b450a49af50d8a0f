// Owns what each line of an account's history is called.

import type { HistoryEntry } from "@lockstep/kit";

export interface Activity {
  readonly text: string;
  /** Whether its owner should look twice. */
  readonly remarkable: boolean;
}

const done: Readonly<Record<string, string>> = {
  sign_in: "Signed in",
  sign_out: "Signed out",
  "session.revoke": "A session was ended",
  "session.reuse": "A copied sign-in was used, and its session ended",
  "password.change": "Password changed",
  "password.set": "Password set by an administrator",
  "password.create": "First password set",
  "user.create": "Account created",
  "user.update": "Details changed",
  "user.change_email": "E-mail address changed",
  "user.disable": "Account disabled",
  "user.enable": "Account enabled again",
  "grant.approve": "An app was allowed in",
  "grant.revoke": "The access of an app was ended",
  "grant.reuse": "Something copied from an app was used, and the app’s access ended",
  "client.register": "App registered",
  "client.update": "App changed",
  "client.rotate_secret": "An app was given another secret",
  "client.verify": "An app was marked as verified, or no longer",
  "client.delete": "App deleted",
  "identity.link": "An account elsewhere was linked",
  "identity.unlink": "A linked account was unlinked",
};

const refused: Readonly<Record<string, string>> = {
  sign_in: "A sign-in failed",
  "password.change": "A change of password was refused",
  "identity.link": "Linking an account failed",
};

/** What happened, in plain words. An action that this app is older than keeps its own name. */
export const activityOf = ({ action, outcome }: Pick<HistoryEntry, "action" | "outcome">): Activity => {
  if (outcome === "refused") return { text: refused[action] ?? `Refused: ${action}`, remarkable: true };
  return { text: done[action] ?? action, remarkable: action.endsWith(".reuse") };
};
