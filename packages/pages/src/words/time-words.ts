// Owns the words of moments and devices.

export const timeWords = { justNow: "just now" };

export const deviceWords = {
  unknown: "An unknown device",
  /** The name of a browser on a system. */
  on: (browser: string, system: string): string => `${browser} on ${system}`,
  appOn: (system: string): string => `An app on ${system}`,
  command: "An administrator’s command",
  nodeProgram: "A Node.js program",
  androidApp: "An Android app",
  appleApp: "An app on an Apple device",
};
