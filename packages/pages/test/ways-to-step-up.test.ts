import type { FactorKind } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { type StepUpQuestion, waysToStepUp } from "../src/session/ways-to-step-up.ts";

const question = (kinds: readonly FactorKind[], needs: Partial<StepUpQuestion["needs"]>): StepUpQuestion => ({
  methods: { hasPassword: true },
  factors: {
    factors: kinds.map((kind) => ({ id: kind, kind, name: kind, createdAt: 0, lastUsedAt: 0 })),
    recoveryCodesLeft: kinds.length > 0 ? 10 : 0,
  },
  needs: { factors: 1, maxAgeSeconds: 900, phishingResistant: false, ...needs },
});

describe("a step-up", () => {
  it.each([
    ["a recent sign-in", [], { factors: 1 }, { password: true, code: false }],
    ["a recent sign-in, of a user with an app", ["totp"], { factors: 1 }, { password: true, code: false }],
    ["two recent factors", ["totp"], { factors: 2 }, { password: true, code: true }],
    ["two factors of any age", ["totp"], { factors: 2, maxAgeSeconds: null }, { password: false, code: true }],
    ["two factors that the user does not have", [], { factors: 2 }, { password: false, code: false }],
    ["a passkey", ["totp"], { factors: 2, phishingResistant: true }, { password: false, code: false }],
  ] as const)("for %s asks for no more than it needs", (_, kinds, needs, { password, code }) => {
    expect(waysToStepUp(question(kinds, needs))).toMatchObject({ asksForPassword: password, asksForCode: code });
  });
});
