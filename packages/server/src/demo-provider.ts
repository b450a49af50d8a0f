// Owns running the demo identity provider beside a server: its process, and the settings that configure it.

import { fork } from "node:child_process";
import { once } from "node:events";
import { type DemoClient, demoCredentials } from "../demo-provider/client.ts";
import { packageFile } from "./package-files.ts";
import { type IdentityProviderSettings, parseIdentityProviders } from "./relying-party/identity-provider-settings.ts";
import { StartError } from "./start-error.ts";

/**
 * Starts the demo identity provider as a process, and waits until it listens. It serves requests once it knows its client.
 * @param port part of the issuer: with another port, people have other identities. 0: a free port
 * @throws StartError when the port is in use
 */
export const startDemoProvider = async (name: string, port: number) => {
  const child = fork(packageFile("@lockstep/server/demo-provider"), [String(port)], {
    // Its warnings are meant for operators of real identity providers.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const exited = once(child, "exit");
  /** The next message of the process; `null`: it has ended. Under `node --watch`, Node also sends objects. */
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
      `The demo identity provider cannot listen on port ${port}. Stop the program that uses it, or set DEMO_PROVIDER_PORT=${port + 1}.`,
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

const settingsFor = (name: string, issuer: string): IdentityProviderSettings => {
  const entry = { issuer, label: "Demo", ...demoCredentials, allowPrivateAddresses: true, endSession: true };
  const parsed = parseIdentityProviders(JSON.stringify({ [name]: entry }));
  const settings = "providers" in parsed ? parsed.providers[0] : undefined;
  if (!settings) throw new Error("The demo identity provider's settings do not parse");
  return settings;
};
