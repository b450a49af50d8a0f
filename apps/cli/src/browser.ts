// Owns opening a URL in the user's browser, where there is one.

import { spawn } from "node:child_process";

/** The program that opens a URL, by platform. Never a shell, which would interpret the URL. */
const openers: Partial<Record<NodeJS.Platform, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens `url`, if it can. Without a browser it does nothing: the URL is printed as well. */
export const openBrowser = (url: string, platform: NodeJS.Platform): void => {
  const [command, ...args] = openers[platform] ?? ["xdg-open"];
  const opener = spawn(command, [...args, url], { stdio: "ignore", detached: true });
  opener.on("error", () => {});
  opener.unref();
};
