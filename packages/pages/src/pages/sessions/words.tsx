// Owns the words of the sessions page.

import type { ReactNode } from "react";

/** The text of each action in the account's history. */
const done: Readonly<Record<string, string>> = {
  sign_in: "Signed in",
  sign_out: "Signed out",
  "session.revoke": "A session was ended",
  "session.reuse": "A copied session was used, and was ended",
  "password.change": "Password changed",
  "password.set": "Password set by an administrator",
  "password.require_reset": "Password removed by an administrator, to be set again",
  "password.create": "First password set",
  "user.create": "Account created",
  "user.update": "Details changed",
  "password.reset": "Password set after recovery",
  "user.change_email": "E-mail address changed",
  "user.undo_email_change": "Change of the e-mail address undone",
  "user.verify_email": "E-mail address proved",
  "user.disable": "Account disabled",
  "user.enable": "Account enabled again",
  "user.export": "Your data was exported",
  "user.request_deletion": "Deletion of the account requested",
  "user.cancel_deletion": "Deletion of the account cancelled",
  "grant.approve": "An app was given access",
  "grant.revoke": "The access of an app was ended",
  "grant.reuse": "A copied token of an app was used, and the app’s access was ended",
  "client.register": "App registered",
  "client.update": "App changed",
  "client.rotate_secret": "The secret of an app was replaced",
  "client.verify": "The verification of an app was changed",
  "client.delete": "App deleted",
  "identity.link": "An account elsewhere was linked",
  "identity.unlink": "A linked account was unlinked",
  "factor.add": "Second factor added",
  "factor.rename": "Second factor renamed",
  "factor.remove": "Second factor removed",
  "factor.reset": "Second factors removed by an administrator",
  "factor.request_reset": "Removal of the second factors begun by an administrator",
  "factor.cancel_reset": "Removal of the second factors stopped",
  "factor.require": "Second factor required by an administrator",
  "factor.renew_recovery_codes": "New recovery codes made",
  "factor.forget_device": "A device is no longer trusted",
  "session.step_up": "Identity proved again",
};

/** The same when it was refused. */
const refused: Readonly<Record<string, string>> = {
  sign_in: "A sign-in failed",
  "password.change": "A change of password was refused",
  "identity.link": "Linking an account failed",
};

export const sessionsWords = {
  title: "Sessions",
  lead: "Where your account is signed in, and its recent activity.",
  listTitle: "Signed in",
  thisOne: "This one",
  unknownAddress: "Address unknown",
  /** Before and after how long ago: "Signed in 2 days ago, last seen 5 minutes ago". */
  signedIn: "Signed in",
  lastSeen: "last seen",
  end: "End",
  ending: "Ending…",
  endOf: (device: string, address: string | null): string =>
    `End the session of ${device}${address === null ? "" : `, ${address}`}`,
  nowhereElse: "You are not signed in anywhere else.",
  /** `changePassword` is a link. */
  unrecognised: (changePassword: ReactNode): ReactNode => (
    <>If you do not recognise a session, end it, then {changePassword}.</>
  ),
  changePassword: "change your password",
  endOthers: "End all others",
  endOthersQuestion: {
    title: "End all other sessions?",
    text: (count: number): string =>
      count === 1
        ? "The other session ends immediately. Its device has to sign in again. This session stays."
        : `The ${count} other sessions end immediately. Their devices have to sign in again. This session stays.`,
    confirm: "End them",
    confirming: "Ending…",
  },
  /** Announcements of session changes. */
  news: {
    ended: (device: string): string => `The session of ${device} has ended.`,
    othersEnded: "All other sessions have ended.",
    signedIn: (device: string): string => `${device} signed in.`,
  },
  activity: {
    title: "Recent activity",
    none: "Nothing yet.",
    more: (count: number): string => `Show ${count} more`,
    done,
    refused,
    /** The text of a refused action without words in `refused`. */
    otherRefused: (action: string): string => `Refused: ${action}`,
  },
};
