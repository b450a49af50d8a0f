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
    data: "Your data",
    exportOrDelete: "Export it, or delete your account",
  },
  details: {
    title: "Your details",
    fullName: "Full name",
    save: "Save changes",
    saving: "Saving…",
    saved: "Saved",
  },
};
