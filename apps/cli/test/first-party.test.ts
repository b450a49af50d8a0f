// The demo as a first-party client, in a child process, against a whole server.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startAppServer } from "@app/server/testing";
import { john } from "@lockstep/server/testing";
import { describe, expect, it } from "vitest";
import { startDemo } from "./demo-process.ts";

/** Runs the demo with `input` as its standard input, which then ends unless it is left open. */
const demo = async (args: readonly string[], input: string, { leaveOpen = false } = {}) => {
  const { stdin, ended } = startDemo(["--password", ...args]);
  if (leaveOpen) stdin.write(input);
  else stdin.end(input);
  return ended;
};

describe("npm run demo -- --password", () => {
  it("signs in, shows the user and the number of sessions, and shows a refused call with its typed error", async () => {
    await using server = await startAppServer();
    const { exitCode, stdout, stderr } = await demo(["--url", server.url], `${john.username}\n${john.password}\n`);

    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`auth.login
  status      signed_in
  expires in  600 seconds

user.me
  username  john
  name      John Doe
  e-mail    john@example.com
  role      user

session.list
  sessions  1

auth.logout
  status  signed out

user.me, signed out
  refused    401 UNAUTHENTICATED
  message    Sign in first.
  challenge  Bearer

`);
  });

  it("leaves no session behind", async () => {
    await using server = await startAppServer();
    await demo(["--url", server.url], `${john.username}\n${john.password}\n`);
    const sessions = await server.db.selectFrom("sessions").select("ended_at").execute();
    expect(sessions).toEqual([{ ended_at: expect.any(Number) }]);
  });

  it("reads only the password from standard input when the username is an argument", async () => {
    await using server = await startAppServer();
    const { exitCode, stdout } = await demo(["--url", server.url, "--username", john.email], john.password);
    expect(stdout).toContain("John Doe");
    expect(exitCode).toBe(0);
  });

  it("does not wait for the end of standard input", async () => {
    await using server = await startAppServer();
    const { exitCode } = await demo(["--url", server.url], `${john.username}\n${john.password}\n`, { leaveOpen: true });
    expect(exitCode).toBe(0);
  });

  it("does not trim the password", async () => {
    await using server = await startAppServer();
    const { exitCode, stderr } = await demo(["--url", server.url, "--username", "john"], ` ${john.password} \n`);
    expect(stderr).toContain("INVALID_CREDENTIALS");
    expect(exitCode).toBe(1);
  });
});

describe("npm run demo -- --password exits with 1 and a sentence", () => {
  it("when the password is wrong", async () => {
    await using server = await startAppServer();
    const { exitCode, stdout, stderr } = await demo(["--url", server.url], "john\nwrong\n");
    expect(stderr).toBe("The username or the password is wrong. (INVALID_CREDENTIALS)\n");
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });

  it("when the input is invalid", async () => {
    await using server = await startAppServer();
    const { exitCode, stderr } = await demo(["--url", server.url], "\n\n");
    expect(stderr).toBe("username: Enter your username or e-mail address.\npassword: Enter your password.\n");
    expect(exitCode).toBe(1);
  });

  it("when no server is running, with the command that starts one", async () => {
    const { url, close } = await startAppServer();
    await close();
    const { exitCode, stderr } = await demo(["--url", url], "john\nsecret\n");
    expect(stderr).toBe(`No Lockstep server answers at ${url}. Start one with \`npm start\`, then try again.\n`);
    expect(exitCode).toBe(1);
  });

  it("when another server answers at the address", async () => {
    const other = createServer((_, response) => response.end("<!doctype html>")).listen(0, "127.0.0.1");
    await once(other, "listening");
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { exitCode, stderr } = await demo(["--url", url], "john\nsecret\n");
    other.close();
    expect(stderr).toContain(`No Lockstep server answers at ${url}.`);
    expect(exitCode).toBe(1);
  });

  it.each([
    ["", "username"],
    ["john\n", "password"],
  ])("when standard input is too short (%j)", async (input, missing) => {
    const { exitCode, stderr } = await demo([], input);
    expect(stderr).toBe(`Standard input ended before the ${missing}. Write each on a line of its own.\n`);
    expect(exitCode).toBe(1);
  });

  it("when the address is invalid", async () => {
    const { exitCode, stderr } = await demo(["--url", "localhost:3000"], "");
    expect(stderr).toContain("Use an address such as http://localhost:3000.");
    expect(exitCode).toBe(1);
  });

  it("when a password is given as an argument", async () => {
    const { exitCode, stderr } = await demo(["secret"], "");
    expect(stderr).toContain("too many arguments");
    expect(exitCode).toBe(1);
  });
});
