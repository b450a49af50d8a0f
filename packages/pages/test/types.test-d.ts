import { composeContract, defineContract, defineFeature, engine, engineErrors, engineScopes } from "@lockstep/kit";
import type { ReactNode } from "react";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { Backend, createBackend } from "../src/app/backend.ts";
import type { LockstepAppProps } from "../src/index.ts";

const parcels = defineFeature(
  {
    areas: { parcel: "Parcels" },
    errors: { PARCEL_LOST: { status: 404, message: "It is lost.", details: z.object({ since: z.int() }) } },
  },
  ({ query, firstParty }) => ({
    parcel: {
      find: query({ summary: "Find a parcel", access: firstParty(), output: z.object({}), errors: ["PARCEL_LOST"] }),
    },
  }),
);
const contract = composeContract({ features: [parcels] });
type Contract = typeof contract;
const plainContract = composeContract({ features: [] });
type PlainContract = typeof plainContract;

type Words<C extends Contract | PlainContract> = LockstepAppProps<C>["words"];

describe("words", () => {
  it("are required for each error that the app's contract adds", () => {
    expectTypeOf<{ errors: { PARCEL_LOST: { title: string; text: string } } }>().toExtend<Words<Contract>>();
    expectTypeOf<undefined>().not.toExtend<Words<Contract>>();
    expectTypeOf<{ errors: object }>().not.toExtend<Words<Contract>>();
    expectTypeOf<{ errors: { PARCEL_LOST: { title: string } } }>().not.toExtend<Words<Contract>>();
  });

  it("of an error can be made from its details", () => {
    type Lost = Extract<NonNullable<Words<Contract>>["errors"]["PARCEL_LOST"], (failure: never) => unknown>;
    expectTypeOf<Parameters<Lost>[0]["details"]>().toEqualTypeOf<{ since: number }>();
  });

  it("can be left out by an app that adds no error", () => {
    expectTypeOf<undefined>().toExtend<Words<PlainContract>>();
    expectTypeOf<{ signIn: { title: string } }>().toExtend<Words<PlainContract>>();
    expectTypeOf<{ errors: { INTERNAL: { title: string; text: string } } }>().toExtend<Words<PlainContract>>();
  });

  it("can replace existing texts only", () => {
    // @ts-expect-error: the page has no such text
    const unknown: Words<PlainContract> = { signIn: { heading: "Hello" } };
    // @ts-expect-error: a text with parts is a function
    const flat: Words<PlainContract> = { consent: { title: "Hello" } };
    const words: Words<PlainContract> = { consent: { title: (app, service) => `${app} → ${service}` } };
    expectTypeOf([unknown, flat, words]).toExtend<Words<PlainContract>[]>();
  });
});

describe("slots and pages", () => {
  it("get the props of their place", () => {
    type Slots = NonNullable<LockstepAppProps<Contract>["slots"]>;
    type Section = NonNullable<NonNullable<Slots["account"]>["sections"]>[number];
    expectTypeOf<(props: { user: { username: string } }) => ReactNode>().toExtend<Section>();
    expectTypeOf<(props: { user: { shoeSize: number } }) => ReactNode>().not.toExtend<Section>();

    type Pages = NonNullable<LockstepAppProps<Contract>["pages"]>;
    expectTypeOf<{ consent: (props: { authorizationId: string }) => ReactNode }>().toExtend<Pages>();
    expectTypeOf<{ consent: (props: { id: number }) => ReactNode }>().not.toExtend<Pages>();
    expectTypeOf<{ developer: null }>().toExtend<Pages>();
    expectTypeOf<{ account: null }>().not.toExtend<Pages>();
  });
});

describe("createBackend", () => {
  it("types calls and failures by the app's contract", () => {
    type Parcel = ReturnType<Backend<Contract>["readFailure"]>;
    expectTypeOf<"PARCEL_LOST">().toExtend<Parcel["code"]>();
    expectTypeOf<Backend<Contract>["client"]["parcel"]["find"]["query"]>().toBeFunction();
  });

  it("does not accept a contract without the engine's operations", () => {
    const { user, ...rest } = engine;
    const without = defineContract({ scopes: engineScopes, roles: ["user"], errors: engineErrors }, () => rest);
    // @ts-expect-error: the account page calls user.me
    expectTypeOf<typeof createBackend<typeof without>>().toBeFunction();
    expectTypeOf<typeof createBackend<Contract>>().toBeFunction();
  });
});
