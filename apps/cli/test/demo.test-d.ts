// What the demo's two clients can be asked, as far as the compiler lets it.

import { describe, expectTypeOf, it } from "vitest";
import { ownApp, thirdParty } from "../src/demo.ts";

const url = "http://localhost:3000";

describe("the demo's clients", () => {
  it("ours has every operation", () => {
    expectTypeOf(ownApp(url).demo.greeting.query).returns.resolves.toEqualTypeOf<{ message: string }>();
    expectTypeOf(ownApp(url).auth).toHaveProperty("logout");
  });

  it("a third party's does not compile with a call that it was not granted", () => {
    expectTypeOf(thirdParty(url).user.me.query).returns.resolves.toHaveProperty("fullName");
    // @ts-expect-error needs greeting:read
    void thirdParty(url).demo.greeting.query();
  });
});
