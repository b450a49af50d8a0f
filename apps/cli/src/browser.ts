// Owns opening an address in the browser of whoever sits here, where there is one.

import { spawn } from "node:child_process";

/** What opens an address on each platform. Never a shell, which would read the address. */
const openers: Partial<Record<NodeJS.Platform, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Tries to; nothing is said when there is no browser. */
export const openBrowser = (address: string, platform: NodeJS.Platform): void => {
  const [command, ...args] = openers[platform] ?? ["xdg-open"];
  const opener = spawn(command, [...args, address], { stdio: "ignore", detached: true });
  opener.on("error", () => {});
  opener.unref();
};
