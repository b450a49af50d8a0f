// Prompts, on streams that emulate a terminal.

import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { readCredentials } from "../src/credentials.ts";
import { DemoError } from "../src/report.ts";

/** A terminal whose user answers each prompt when it appears. */
const terminal = (answers: Record<string, string>) => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const prompts = new PassThrough();
  let shown = "";
  const unanswered = new Map(Object.entries(answers));
  prompts.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
    for (const [question, answer] of unanswered) {
      if (!shown.includes(question)) continue;
      unanswered.delete(question);
      // The prompt reads input only after it has been shown.
      setImmediate(() => input.write(answer));
    }
  });
  return { input, prompts, shown: () => shown };
};

describe("at a terminal", () => {
  it("asks for the username, then for the password, which is not shown", async () => {
    const { input, prompts, shown } = terminal({ Username: "john\r", Password: "s3cret!\r" });
    const credentials = await readCredentials({ username: undefined, input, prompts });
    expect(credentials).toEqual({ username: "john", password: "s3cret!" });
    expect(shown()).toContain("john");
    expect(shown()).not.toContain("s3cret!");
  });

  it("asks only for the password when the username is given", async () => {
    const { input, prompts, shown } = terminal({ Password: "secret\r" });
    expect(await readCredentials({ username: "john", input, prompts })).toEqual({
      username: "john",
      password: "secret",
    });
    expect(shown()).not.toContain("Username");
  });

  it.each([
    ["username", { Username: "\x03" }],
    ["password", { Username: "john\r", Password: "\x03" }],
  ])("stops on Ctrl-C at the %s", async (_, answers) => {
    const { input, prompts } = terminal(answers);
    const interrupted = readCredentials({ username: undefined, input, prompts });
    await expect(interrupted).rejects.toThrow(DemoError);
    await expect(interrupted).rejects.toThrow("Interrupted. Not signed in.");
  });
});
