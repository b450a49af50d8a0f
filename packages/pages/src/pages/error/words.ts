// Owns the words of requests that cannot be answered.

export const errorWords = {
  title: "This request cannot be answered",
  lead: "The app that sent you here made an invalid request. Nothing was shared with it. Go back and try again. If that does not help, send the details below to the people who make the app.",
  home: "Go to your account",
  description: "What is wrong",
  error: "Error",
  leave: {
    title: (host: string): string => `Continue to ${host}?`,
    /** `app`: its name, or `someApp`. */
    refused: (app: string): string => `${app} made an invalid request. Nothing was shared with it.`,
    signedOut: (app: string): string => `You are signed out. ${app} asks you to continue to its own page.`,
    someApp: "An app",
    caution:
      "Nobody at this service has checked who runs this app or this address. Continue only if you know it and came from it just now.",
    continue: (host: string): string => `Continue to ${host}`,
    stay: "Stay here",
  },
};
