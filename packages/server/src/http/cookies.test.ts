import { describe, expect, it } from "vitest";
import { authorizationCookies } from "./cookies.ts";

describe("the cookies of authorization requests", () => {
  it("drop the oldest when a fifth begins, and never the authorization server's own", () => {
    for (const [publicUrl, host] of [
      ["http://localhost:3000", ""],
      ["https://app.example", "__Host-"],
    ] as const) {
      const cookies = authorizationCookies(publicUrl);
      const header = [
        `${host}lockstep-authorization-server=abc`,
        `${host}lockstep-authorization-server.sig=def`,
        ...["first", "second", "third", "fourth"].map(
          (id, index) => `${cookies.nameOf(id)}=${cookies.valueOf("secret", 1000 + index)}`,
        ),
      ].join("; ");
      expect(cookies.replacedBy("fifth", header)).toEqual(["first"]);
    }
  });
});
