import type { EngineErrors, Operation, ProcedureShape, RouterOf, Scoped } from "@lockstep/kit";
import {
  type AnyTRPCMutationProcedure,
  type AnyTRPCQueryProcedure,
  type AnyTRPCRouter,
  type AnyTRPCSubscriptionProcedure,
  type inferRouterInputs,
  type inferRouterOutputs,
  initTRPC,
} from "@trpc/server";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { anyone, contractOf, firstParty, mutation, query, scoped } from "../../test/words.ts";
import type { FirstPartyPrincipal, Principal } from "../domain/tokens/guard.ts";
import type { fixtureContract } from "../fixture-app.ts";
import { createRouter, implement, type ServedRouter } from "./trpc.ts";

type Contract = typeof fixtureContract;
type AppRouter = RouterOf<Contract>;
type Served = ServedRouter<Contract>;

describe("the served router and the contract's router type", () => {
  it("are tRPC routers", () => {
    expectTypeOf<Served>().toExtend<AnyTRPCRouter>();
    expectTypeOf<AppRouter>().toExtend<AnyTRPCRouter>();
  });

  it("are assignable to each other", () => {
    expectTypeOf<Served>().toExtend<AppRouter>();
    expectTypeOf<AppRouter["_def"]["record"]>().toExtend<Served["_def"]["record"]>();
    expectTypeOf<inferRouterInputs<Served>>().toEqualTypeOf<inferRouterInputs<AppRouter>>();
    expectTypeOf<inferRouterOutputs<Served>>().toEqualTypeOf<inferRouterOutputs<AppRouter>>();
  });

  it("differ when an output differs", () => {
    type Changed = {
      errors: EngineErrors;
      operations: Omit<Contract["operations"], "photo"> & {
        photo: { album: Operation<"query", z.ZodVoid, z.ZodObject<{ title: z.ZodNumber }>, Scoped, never> };
      };
    };
    expectTypeOf<Served["_def"]["record"]>().not.toExtend<RouterOf<Changed>["_def"]["record"]>();
  });
});

describe("the shape of a procedure, written out in the contract", () => {
  const t = initTRPC.create();
  const plain = t.router({
    read: t.procedure.output(z.object({ name: z.string() })).query(() => ({ name: "x" })),
    write: t.procedure
      .input(z.object({ size: z.number() }))
      .output(z.object({}))
      .mutation(() => ({})),
    ticks: t.procedure.subscription(async function* () {
      yield { n: 1 };
    }),
  });
  type Record = (typeof plain)["_def"]["record"];

  it("is the shape of tRPC's own procedures", () => {
    expectTypeOf<Record["read"]>().toExtend<ProcedureShape<"query", unknown, { name: string }, unknown>>();
    expectTypeOf<Record["write"]>().toExtend<ProcedureShape<"mutation", { size: number }, object, unknown>>();
    expectTypeOf<Record["ticks"]>().toExtend<
      ProcedureShape<"subscription", unknown, AsyncIterable<{ n: number }>, unknown>
    >();
  });

  it("is accepted by tRPC's own libraries", () => {
    expectTypeOf<ProcedureShape<"query", void, { name: string }, unknown>>().toExtend<AnyTRPCQueryProcedure>();
    expectTypeOf<ProcedureShape<"mutation", void, object, unknown>>().toExtend<AnyTRPCMutationProcedure>();
    expectTypeOf<
      ProcedureShape<"subscription", void, AsyncIterable<1>, unknown>
    >().toExtend<AnyTRPCSubscriptionProcedure>();
  });
});

const operations = {
  area: {
    read: query({ summary: "Read", access: scoped("profile:read"), output: z.object({ name: z.string() }) }),
    write: mutation({
      summary: "Write",
      access: firstParty(),
      input: z.object({ size: z.string().transform(Number) }),
      output: z.object({}),
    }),
    open: query({ summary: "Look", access: anyone, output: z.object({}) }),
  },
};
const example = contractOf(operations);
const read = implement(operations.area.read).handle(() => ({ name: "x" }));
const write = implement(operations.area.write).handle(() => ({}));
const open = implement(operations.area.open).handle(() => ({}));

describe("a declared operation", () => {
  it("does not compile without access", () => {
    // @ts-expect-error access has no default
    query({ summary: "Read", output: z.object({}) });
  });

  it("does not compile without a handler", () => {
    createRouter(example, { area: { read, write, open } });
    // @ts-expect-error `open` is missing
    createRouter(example, { area: { read, write } });
    // @ts-expect-error the whole area is missing
    createRouter(example, {});
  });

  it("does not compile with a handler for an undeclared operation", () => {
    // @ts-expect-error there is no operation `extra`
    createRouter(example, { area: { read, write, open, extra: read } });
  });

  it("does not compile with another operation's handler", () => {
    // @ts-expect-error a mutation in a query's place
    createRouter(example, { area: { read: write, write, open } });
  });

  it("does not compile with a handler that returns another type", () => {
    // @ts-expect-error `name` is a string
    implement(operations.area.read).handle(() => ({ name: 1 }));
  });
});

describe("a handler", () => {
  it("gets the principal that the access promises", () => {
    implement(operations.area.read).handle(({ ctx }) => {
      expectTypeOf(ctx.principal).toEqualTypeOf<Principal>();
      return { name: ctx.principal.user.fullName };
    });
    implement(operations.area.write).handle(({ ctx }) => {
      expectTypeOf(ctx.principal).toEqualTypeOf<FirstPartyPrincipal>();
      return {};
    });
    implement(operations.area.open).handle(({ ctx }) => {
      expectTypeOf(ctx.principal).toEqualTypeOf<null>();
      return {};
    });
  });

  it("gets the parsed input", () => {
    implement(operations.area.write).handle(({ input }) => {
      expectTypeOf(input).toEqualTypeOf<{ size: number }>();
      return {};
    });
  });
});
