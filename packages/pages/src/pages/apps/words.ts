// Owns the words of the page of connected apps.

export const appsWords = {
  title: "Connected apps",
  lead: "Apps that you gave access to your account, and what they may do.",
  listTitle: "With access",
  none: "None. Apps that you allow are listed here.",
  /** Before and after how long ago: "Allowed 2 days ago, last used 5 minutes ago". */
  allowed: "Allowed",
  lastUsed: "last used",
  may: "It may",
  end: "End access",
  endOf: (app: string): string => `End access of ${app}`,
  hasEnded: (app: string): string => `${app} no longer has access.`,
  question: {
    title: (app: string): string => `End the access of ${app}?`,
    text: (app: string): string =>
      `Its access ends immediately. ${app} keeps what it has read so far, and may ask you for access again.`,
    confirm: "End access",
    confirming: "Ending…",
  },
};
