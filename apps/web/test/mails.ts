// Owns reading the mails of a test server, as people do: the code, and the link.

import type { AppServer } from "@app/server/testing";
import { expect } from "vitest";

type Mailing = Pick<AppServer, "mails">;

/** The newest mail to `address`, when it has arrived. */
export const mailTo = async ({ mails }: Mailing, address: string) => {
  const find = async () => (await mails()).find(({ to }) => to === address);
  await expect.poll(find).toBeDefined();
  return (await find()) as NonNullable<Awaited<ReturnType<typeof find>>>;
};

/** What a mail with a proof has: the code, and the path of the link with its secret. */
export const proofTo = async (server: Mailing, address: string) => {
  const { text } = await mailTo(server, address);
  return { code: /\b[A-Z]{4}-[A-Z]{4}\b/.exec(text)?.[0] ?? "", path: /\/proof#[\w-]+/.exec(text)?.[0] ?? "" };
};
