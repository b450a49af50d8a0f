// Owns the words of connecting a device.

import type { ProtocolPage } from "@lockstep/kit";

type Problem = NonNullable<Extract<ProtocolPage, { page: "device_code" }>["problem"]>;

export const deviceWords = {
  signIn: { title: "Sign in", lead: "to connect a device" },
  enter: {
    title: "Connect a device",
    lead: "Enter the code that your device shows.",
    code: "Code",
    caution:
      "Only connect a device that you are using yourself. A code that somebody sent you would give them access to your account.",
    continue: "Continue",
  },
  problems: {
    missing: "Enter the code that your device shows",
    unknown: "There is no such code. Compare it with the one that your device shows.",
    expired: "This code has expired. Get a new one on your device.",
    used: "This code has already been used. Get a new one on your device.",
    failed: "This did not work. Enter the code again.",
  } satisfies Record<Problem, string>,
  wait: {
    title: "Too many wrong codes",
    /** `duration`: such as "5 minutes". */
    lead: (duration: string): string => `Wait ${duration}, then try again. Your device may show another code by then.`,
    enter: "Enter a code",
  },
  confirm: {
    title: "Does your device show this code?",
    lead: (app: string): string => `${app} is waiting there to be connected.`,
    caution: "If it shows another code, or if you did not start this on a device of yours, stop here.",
    stop: "Stop",
    continue: "It does, continue",
  },
  done: {
    title: "You can go back to your device",
    lead: (app: string): string => `${app} is connected.`,
    apps: "See what it may do",
  },
  denied: {
    title: "The device was not connected",
    lead: "It has no access. You can close this page.",
    home: "Go to your account",
  },
};
