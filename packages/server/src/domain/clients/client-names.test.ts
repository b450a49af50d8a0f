import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientNameProblem } from "./client-names.ts";

const problem = (name: string) => clientNameProblem(name, "Lockstep");

describe("[S99] the name of an unverified client", () => {
  it.each([
    "Lockstep",
    "LOCKSTEP",
    "lockstep",
    "Lockstep Support",
    "The Lockstep app",
    "MyLockstepApp",
    "Lock-step",
    "L o c k s t e p",
    "Lock step login",
    "Lосkstер", // Cyrillic о, с, е, р
    "Ιοckstep", // Greek Ι and ο
    "Iockstep", // a capital I
    "1ockstep",
    "L0ckstep",
    "|ockstep",
    "Ｌｏｃｋｓｔｅｐ", // fullwidth
    "𝐋𝐨𝐜𝐤𝐬𝐭𝐞𝐩", // mathematical
    "Lóckstëp",
    "ʟockstep",
    "Łockstep",
    "locκstep",
    "locкsтep", // Cyrillic к and т
    "ʟᴏᴄᴋꜱᴛᴇᴘ", // small capitals
  ])("cannot be %j, which is or looks like the name of this service", async (name) => {
    expect(await problem(name)).toMatch(/name of this service/);
  });

  it.each(["Photos (Verified)", "VERIFIED photos", "Veriﬁed", "Vеrified", "Un-Verified"])(
    "cannot be %j, which claims to be verified",
    async (name) => {
      expect(await problem(name)).toMatch(/verified/);
    },
  );

  it.each([
    "Photos ✔",
    "Photos ✓",
    "✅ Photos",
    "Photos ☑",
    "Photos ⭐",
    "Photos 🛡",
    "Photos 🔒",
    "Ⓟhotos",
    "√ Photos",
  ])("cannot be %j, which contains a badge", async (name) => {
    expect(await problem(name)).toMatch(/symbols or emoji/);
  });

  it("cannot be one that was found to look like the service's", async () => {
    expect(await problem("Lockstep ✔ Verified")).not.toBeNull();
  });

  it.each([
    "A photo app",
    "Padlock Steps",
    "Block stepper",
    "C++ & Notes: v2.0 (beta) #1",
    "Café Zürich",
    "Приложение",
    "写真アプリ",
    "תמונות",
    "تطبيق الصور",
    "Photos® by Acme™",
    "O'Brien’s – shop",
    "Loc",
    "Step lock",
    "$tocks ^ trends ~ 100%",
  ])("can be %j", async (name) => {
    expect(await problem(name)).toBeNull();
  });

  it("is compared by whole words when the service's name is short", async () => {
    expect(await clientNameProblem("Django", "Go")).toBeNull();
    expect(await clientNameProblem("Go Photos", "Go")).not.toBeNull();
    expect(await clientNameProblem("G o", "Go")).not.toBeNull();
  });

  it("is checked whatever the service's name is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 100 }), async (name) => {
        expect([null, expect.any(String)]).toContainEqual(await problem(name));
        expect(await problem(`${name.replaceAll(/\p{L}|\p{N}/gu, "")} Lockstep`)).not.toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});
