// Owns the words of the notice that somebody signed in to the account elsewhere.

export const signInNoticeWords = {
  title: "Somebody signed in to your account",
  from: (device: string, address: string | null): string => (address === null ? device : `${device}, from ${address}`),
  advice: "If it was not you, end that session and change your password.",
  seeSessions: "See your sessions",
  itWasMe: "It was me",
};
