// The operations that compile with each of the demo's clients.

import type { Contract } from "@app/contract";
import { type Client, memoryTokens } from "@lockstep/client";
import { describe, expectTypeOf, it } from "vitest";
import { firstParty } from "../src/first-party.ts";
import { authorizationAt, thirdParty } from "../src/third-party.ts";

const url = "http://localhost:3000";

describe("the demo's clients", () => {
  it("the first-party client has every operation", () => {
    expectTypeOf(firstParty(url).session.revokeOthers.mutate).returns.resolves.toEqualTypeOf<{ ended: number }>();
    expectTypeOf(firstParty(url).auth).toHaveProperty("logout");
  });

  it("the third-party client does not compile with a call whose scope it did not request", () => {
    const client = thirdParty(url, authorizationAt(url, memoryTokens()));
    expectTypeOf(client).toEqualTypeOf<Client<Contract, "profile:read">>();
    expectTypeOf(client.user.me.query).returns.resolves.toHaveProperty("fullName");
    // @ts-expect-error needs profile:write
    void client.user.update.mutate({ fullName: "X" });
    // @ts-expect-error first-party sessions only
    void client.auth.logout.mutate();
  });
});
