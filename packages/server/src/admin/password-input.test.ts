import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { typed } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const [{ newDatabase }] = engines;

const password = "wool lamp river stone";

const open = async () => {
  const admin = await openMigratedAdmin(newDatabase);
  return admin;
};

const canSignIn = async (admin: Awaited<ReturnType<typeof open>>, username: string) => {
  const { domain } = await admin.open();
  return domain.signIn.withPassword(typed(username, password)).then(
    () => true,
    () => false,
  );
};

describe("a password from standard input", () => {
  it.each([
    ["with a newline", `${password}\n`],
    ["with a newline of Windows", `${password}\r\n`],
    ["without a newline", password],
    ["behind a byte order mark", `\ufeff${password}\n`],
  ])("is its first line, %s", async (_, stdin) => {
    await using admin = await open();
    expect((await admin.lockstep(["user", "create", "jane"], stdin)).exitCode).toBe(0);
    expect(await canSignIn(admin, "jane")).toBe(true);
  });

  it("may arrive in pieces", async () => {
    await using admin = await open();
    const pieces = [...Buffer.from("пароль очень длинный\n")].map((byte) => Uint8Array.of(byte));
    expect((await admin.lockstep(["user", "create", "jane"], pieces)).exitCode).toBe(0);
    const { domain } = await admin.open();
    await domain.signIn.withPassword(typed("jane", "пароль очень длинный"));
  });

  it("keeps its spaces", async () => {
    await using admin = await open();
    await admin.lockstep(["user", "create", "jane"], ` ${password} \n`);
    expect(await canSignIn(admin, "jane")).toBe(false);
  });

  it.each<[string, string | Uint8Array, string]>([
    ["nothing", "", "Standard input has no password.\n"],
    ["an empty line", "\n", "Standard input has no password.\n"],
    [
      "two lines",
      `${password}\n${password}\n`,
      "Standard input must be one line without control characters: the password.\n",
    ],
    [
      "a null byte",
      `${password}\0${password}`,
      "Standard input must be one line without control characters: the password.\n",
    ],
    ["no text", Buffer.from([...Buffer.from(password), 0xff]), "Standard input must be UTF-8.\n"],
    ["far too much", Buffer.alloc(1024 * 1024, "x"), "Standard input has more than a password.\n"],
  ])("cannot be %s", async (_, stdin, stderr) => {
    await using admin = await open();
    expect(await admin.lockstep(["user", "create", "jane"], stdin)).toEqual({ exitCode: 1, stdout: "", stderr });
    expect((await admin.lockstep(["user", "list", "--json"])).stdout).toBe("");
  });

  it("has a size limit", async () => {
    await using admin = await open();
    const endless = (function* () {
      for (;;) yield Buffer.from("y\n");
    })();
    expect((await admin.lockstep(["user", "create", "jane"], endless)).exitCode).toBe(1);
  });
});

describe("a password at a prompt", () => {
  /** The cursor is hidden once for each question. */
  const question = "\u001b[?25l";

  /** Creates `jane` at a terminal where each question is answered with the next of these keys. */
  const createAt = async (admin: Awaited<ReturnType<typeof open>>, ...answers: readonly string[]) => {
    const waiting = [...answers];
    const stdin: PassThrough & { setRawMode?: unknown } = new PassThrough();
    Object.assign(stdin, { isTTY: true, setRawMode: () => stdin });
    const ran = await admin.lockstep(["user", "create", "jane"], stdin, {}, (text) => {
      if (text.includes(question)) setImmediate(() => stdin.write(waiting.shift() ?? "\u0003"));
    });
    expect(waiting).toEqual([]);
    return ran;
  };

  it("is entered twice, and never shown", async () => {
    await using admin = await open();
    const { exitCode, stdout, stderr } = await createAt(admin, `${password}\r`, `${password}\r`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "jane is created.\n" });
    expect(stderr).not.toContain(password);
    expect(stderr).not.toContain(password.slice(0, 4));
    expect(await canSignIn(admin, "jane")).toBe(true);
  });

  it("[S62] [S64] is asked for again, with the reason, when it is refused", async () => {
    await using admin = await open();
    const { exitCode, stderr } = await createAt(
      admin,
      "short\r",
      "passwordpassword\r",
      `${password}\r`,
      `${password}\r`,
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain("Use at least 15 characters");
    expect(stderr).toContain("This is easy to guess.");
    expect(await canSignIn(admin, "jane")).toBe(true);
  });

  it("is asked for again when the two differ", async () => {
    await using admin = await open();
    const keys = [`${password}\r`, `${password}!\r`, `${password}\r`, `${password}\r`];
    const { exitCode, stderr } = await createAt(admin, ...keys);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("The passwords differ.");
    expect(await canSignIn(admin, "jane")).toBe(true);
  });

  it("can be cancelled: the command exits with 130 and changes nothing", async () => {
    await using admin = await open();
    const ctrlC = "\u0003";
    for (const keys of [[ctrlC], [`${password}\r`, ctrlC]]) {
      const { exitCode, stdout, stderr } = await createAt(admin, ...keys);
      expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
      expect(stderr).toContain("Interrupted: nothing was changed.");
    }
    expect((await admin.lockstep(["user", "list", "--json"])).stdout).toBe("");
  });
});
