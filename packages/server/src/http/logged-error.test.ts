import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { john, startTestServer } from "../testing.ts";
import { loggedError } from "./logged-error.ts";

describe.each(engines)("an error of $engine in the log", ({ newDatabase }) => {
  it("has no value of a row", async () => {
    const database = await newDatabase();
    const lines: string[] = [];
    {
      await using server = await startTestServer({
        databaseUrl: database.url,
        logger: { level: "info", stream: { write: (line) => void lines.push(line) } },
      });
      const { user } = (await server.domain.users.findByLogin(john.username)) ?? {};
      const twice = sql`insert into users select * from users where id = ${user?.id}`.execute(server.db);
      server.app.log.error({ err: await twice.catch((error) => error) }, "a request failed");
    }
    await database.drop();
    const [line = "{}"] = lines.filter((each) => each.includes("a request failed"));
    expect(JSON.parse(line)).toMatchObject({
      err: { message: expect.stringMatching(/unique/i), code: expect.anything() },
    });
    expect(line).not.toContain("already exists");
    expect(line).not.toContain(john.username);
  });
});

it("an error is logged with its causes, and a thrown value only by its type", () => {
  const cause = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (email)=(a@example.com)" });
  const error = new TypeError("The change failed", { cause });
  expect(loggedError(error)).toEqual({
    type: "TypeError",
    message: "The change failed",
    stack: error.stack,
    cause: { type: "Error", message: "duplicate key", stack: cause.stack, code: "23505" },
  });
  expect(loggedError({ password: "secret" })).toEqual({ type: "object", message: "", stack: "" });
  const endless = new Error("again");
  endless.cause = endless;
  expect(JSON.stringify(loggedError(endless))).toContain("again");
});
