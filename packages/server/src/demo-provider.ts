// Owns running the demonstration provider beside a server: the process, and the settings that make it a provider here.

import { fork } from "node:child_process";
import { once } from "node:events";
import { type DemoClient, demoCredentials } from "../demo-provider/client.ts";
import { packageFile } from "./package-files.ts";
import { type ProviderSettings, parseProviders } from "./relying-party/identity-provider-settings.ts";
import { StartError } from "./start-error.ts";

/**
 * Starts the process, and waits until it listens; it takes requests once it is told of its client.
 * @param port part of the issuer: with another one, the same person is somebody else. 0: a free port
 * @throws StartError when the port is taken.
 */
export const startDemoProvider = async (name: string, port: number) => {
  const child = fork(packageFile("@lockstep/server/demo-provider"), [String(port)], {
    // Its warnings are for whoever runs a real one.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const exited = once(child, "exit");
  /** What it says next; `null`: it has ended. Under `node --watch`, Node has it send what it loads, which are objects. */
  const heard = () =>
    new Promise<string | null>((resolve) => {
      const listen = (message: unknown) => {
        if (typeof message !== "string") return;
        child.off("message", listen);
        resolve(message);
      };
      child.on("message", listen);
      void exited.then(() => resolve(null));
    });
  const issuer = await heard();
  if (issuer === null)
    throw new StartError(
      `The demo provider cannot listen on port ${port}. Stop what uses it, or choose another: DEMO_PROVIDER_PORT=${port + 1}`,
    );
  return {
    issuer,
    settings: settingsFor(name, issuer),
    async serve(client: Omit<DemoClient, "providerName">) {
      child.send({ ...client, providerName: name } satisfies DemoClient);
      await heard();
    },
    async end() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};

const settingsFor = (name: string, issuer: string): ProviderSettings => {
  const entry = { issuer, label: "Demo", ...demoCredentials, allowPrivateAddresses: true, endSession: true };
  const parsed = parseProviders(JSON.stringify({ [name]: entry }));
  const settings = "providers" in parsed ? parsed.providers[0] : undefined;
  if (!settings) throw new Error("The demo provider's settings do not parse");
  return settings;
};
