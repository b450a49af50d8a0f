import { expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { engines } from "../../test/engines.ts";
import { testSource, typed } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const password = "wool lamp river stone";

it("lockstep user factors lists a user's factors, removes them all, and requires one", async () => {
  await using admin = await openMigratedAdmin(engines[0].newDatabase);
  await admin.lockstep(["user", "create", "jane"], password);
  expect((await admin.lockstep(["user", "factors", "list", "jane"])).stdout).toBe("jane has no factors.\n");
  const { domain } = await admin.open();
  const owner = await domain.signIn.withPassword(typed("jane", password));
  const begun = await domain.factorSignIn.beginFactor(owner, "totp");
  if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
  const finished = { enrolmentId: begun.enrolmentId, name: "Phone", totp: codeOf(begun.secret, domain.clock.now()) };
  await domain.factorSignIn.completeFactor(owner, finished, testSource);
  expect((await admin.lockstep(["user", "factors", "list", "jane"])).stdout).toMatch(/KIND .*\ntotp +Phone /);
  const { stdout } = await admin.lockstep(["user", "factors", "list", "jane", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ kind: "totp", name: "Phone" });

  const reset = async (...options: string[]) =>
    (await admin.lockstep(["user", "factors", "reset", "jane", ...options])).stdout;
  expect(await reset("--cancel")).toBe("No reset of jane is under way.\n");
  expect(await reset()).toMatch(
    /^The factors of jane are removed on \S.*, unless jane signs in with one of them first/,
  );
  expect((await admin.lockstep(["user", "factors", "list", "jane"])).stdout).toMatch(/\nThey are removed on /);
  expect(await reset("--cancel")).toBe("The factors of jane stay.\n");
  expect(await domain.factors.list(owner.user.id)).toHaveLength(1);
  expect((await admin.lockstep(["user", "factors", "reset", "jane", "--now", "why", "--cancel"])).exitCode).not.toBe(0);
  expect(await reset("--now", "identity card shown")).toBe("1 factor is removed, and jane is signed out everywhere.\n");
  expect(await domain.sessions.endReason(owner.session.id)).toBe("revoked");
  expect((await domain.signIn.begin(typed("jane", password))).status).toBe("signed_in");

  expect((await admin.lockstep(["user", "factors", "require", "jane"])).stdout).toBe("jane needs a second factor.\n");
  expect((await domain.signIn.begin(typed("jane", password))).status).toBe("enrolment_required");
  await admin.lockstep(["user", "factors", "require", "jane", "--off"]);
  expect((await domain.signIn.begin(typed("jane", password))).status).toBe("signed_in");
  const actions = (await domain.audit.list({ userId: owner.user.id, limit: 20 })).map(({ action }) => action);
  expect(actions).toEqual(expect.arrayContaining(["factor.reset", "factor.require"]));
  expect((await admin.lockstep(["user", "factors", "list", "nobody"])).exitCode).toBe(3);
});

it("lockstep user create --require-factor asks for a factor at the first sign-in", async () => {
  await using admin = await openMigratedAdmin(engines[0].newDatabase);
  await admin.lockstep(["user", "create", "bob", "--require-factor"], password);
  const { domain } = await admin.open();
  expect((await domain.signIn.begin(typed("bob", password))).status).toBe("enrolment_required");
});
