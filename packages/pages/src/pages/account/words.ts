// Owns the words of the account page.

/** The name of each role. A role without a name is shown as it is. */
const roles: Readonly<Record<string, string>> = { user: "User", admin: "Administrator" };

export const accountWords = {
  title: "Account",
  lead: "Who you are here, and how you can be reached.",
  profile: {
    label: "Profile",
    email: "E-mail address",
    noEmail: "None",
    role: "Role",
    roles,
    memberSince: "Member since",
    password: "Password",
    setPassword: "Set a password",
    changePassword: "Change your password",
    otherWays: "Other ways to sign in",
    linkedAccounts: "Linked accounts",
  },
  details: {
    title: "Your details",
    fullName: "Full name",
    save: "Save changes",
    saving: "Saving…",
    saved: "Saved",
  },
  email: {
    title: "Your e-mail address",
    label: "E-mail address",
    hint: "You can sign in with it and a password.",
    unverified: "You have not shown yet that this address is yours. Get a code to use it when you lose your password.",
    change: "Change the address",
    changing: "Changing…",
    changed: "Changed",
    /** After the code was sent. */
    sent: (email: string): string => `Enter the code that was sent to ${email}.`,
    code: "Code",
    confirm: "Use this address",
    cancel: "Cancel",
    purpose: "Changing your e-mail address",
  },
};
