// What compiles for an app of our own, for a third party within its scopes, and for whoever handles an error.

import {
  type Client,
  createClient,
  type ErrorOf,
  errorReader,
  type MemoryTokens,
  type OwnApp,
  type RouterFor,
  type ScopesOf,
  type SessionState,
  sessionOf,
  type TokenStore,
  type Unreachable,
} from "@lockstep/client";
import { fileTokens } from "@lockstep/client/node";
import {
  type AuthorizationError,
  createAuthorization,
  type Grant,
  type PersonalAuthorization,
} from "@lockstep/client/oauth";
import { useSession } from "@lockstep/client/react";
import { createServerClient } from "@lockstep/client/server";
import {
  type ErrorCodeOf,
  engineErrors,
  engineRoles,
  engineScopes,
  type GrantedOperations,
  type OperationIn,
  type PathIn,
  type RouterOf,
  type RpcErrorData,
  type ScopeOf,
  type SessionEndReason,
  type SessionEvent,
  type UpdateUserInput,
  User,
  vocabulary,
} from "@lockstep/kit";
import { fixtureContract } from "@lockstep/server/fixture-app";
import type { QueryClient } from "@tanstack/react-query";
import { safe, type TRPCClient } from "@trpc/client";
import type { AnyRouter, inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { describe, expectTypeOf, it } from "vitest";

type Contract = typeof fixtureContract;
type AppRouter = RouterOf<Contract>;

const errorOf = errorReader<Contract>();
const { anyone, mutation, query, scoped } = vocabulary({
  scopes: engineScopes,
  roles: engineRoles,
  errors: engineErrors,
});

const url = "http://localhost:3000";

/** The names of what is left of a contract. */
type GrantedOf<T, S extends string> = keyof GrantedOperations<T, S>;

describe("an app of our own", () => {
  const client = createClient<Contract>({ url });

  it("sees every operation, with its input and output", () => {
    expectTypeOf(client).toEqualTypeOf<Client<Contract>>();
    expectTypeOf(client).toEqualTypeOf<TRPCClient<AppRouter>>();
    expectTypeOf(client.auth.login.mutate).parameter(0).toEqualTypeOf<LoginInput>();
    expectTypeOf(client.auth.login.mutate).returns.resolves.toEqualTypeOf<LoginResult>();
    expectTypeOf(client.auth.logout.mutate).returns.resolves.toEqualTypeOf<{ continueAt?: string }>();
    expectTypeOf(client.user.me.query).returns.resolves.toEqualTypeOf<User>();
    expectTypeOf(client.user.update.mutate).parameter(0).toEqualTypeOf<UpdateUserInput>();
    expectTypeOf(client.demo.greeting.query).returns.resolves.toEqualTypeOf<{ message: string }>();
  });

  it("calls what takes nothing with nothing", () => {
    expectTypeOf(client.user.me.query).toBeCallableWith();
    // @ts-expect-error there is nothing to send
    void client.user.me.query({ id: "1" });
  });

  it("cannot call what is not declared, in another way, or with another input", () => {
    // @ts-expect-error no such operation
    client.user.remove;
    // @ts-expect-error no such area
    client.users;
    // @ts-expect-error a query is no mutation
    client.user.me.mutate;
    // @ts-expect-error no password
    void client.auth.login.mutate({ username: "john" });
    // @ts-expect-error a name is text
    void client.user.update.mutate({ fullName: 1 });
    // @ts-expect-error no such field in the output
    void client.user.me.query().then((me) => me.passwordHash);
  });
});

describe("a third party", () => {
  it("calls what it was granted", () => {
    const client = createClient<Contract, "profile:read">({ url });
    expectTypeOf(client).toEqualTypeOf<Client<Contract, "profile:read">>();
    expectTypeOf(client.user.me.query).returns.resolves.toEqualTypeOf<User>();
  });

  it("does not compile with a call that it was not granted", () => {
    const client = createClient<Contract, "profile:read">({ url });
    // @ts-expect-error needs profile:write
    client.user.update;
    // @ts-expect-error an area with nothing left is gone
    client.demo;
    // @ts-expect-error a session of our own apps only
    client.auth.logout;
  });

  it("calls what any of several scopes allow", () => {
    const client = createClient<Contract, "profile:read" | "greeting:read">({ url });
    expectTypeOf(client).toHaveProperty("demo");
    expectTypeOf(client.user).toHaveProperty("me");
    expectTypeOf(client.user).not.toHaveProperty("update");
  });

  it("never gets what is for our own apps, whatever its scopes", () => {
    const client = createClient<Contract, ScopeOf<Contract>>({ url });
    expectTypeOf(client.user).toHaveProperty("update");
    expectTypeOf(client.auth).not.toHaveProperty("logout");
  });

  it("without any scope calls what is open to anyone", () => {
    const client = createClient<Contract, never>({ url });
    expectTypeOf(client).not.toHaveProperty("user");
    expectTypeOf(client).not.toHaveProperty("demo");
  });

  it("names scopes that exist", () => {
    // @ts-expect-error no such scope
    createClient<Contract, "profile:erase">({ url });
  });

  it("needs every scope of an operation", () => {
    const both = { all: query({ summary: "", access: scoped("profile:read", "profile:write"), output: User }) };
    expectTypeOf<GrantedOf<typeof both, "profile:read">>().toEqualTypeOf<never>();
    expectTypeOf<GrantedOf<typeof both, "profile:read" | "profile:write">>().toEqualTypeOf<"all">();
  });

  it("may take our own app's client for its own, but not the other way round", () => {
    expectTypeOf<Client<Contract>["user"]>().toExtend<Client<Contract, "profile:read">["user"]>();
    expectTypeOf<Client<Contract, "profile:read">["user"]>().not.toExtend<Client<Contract>["user"]>();
  });
});

/** What is sent to sign in. */
interface LoginInput {
  username: string;
  password: string;
  transport?: "body" | "cookie" | undefined;
  deviceToken?: string | undefined;
}

/** What JSON brings of the answer. */
interface LoginResult {
  status: "signed_in";
  accessToken: string;
  tokenType: "Bearer";
  expiresIn: number;
  refreshToken?: string;
  sessionId: string;
  user: User;
  deviceToken?: string;
}

type Traveling =
  | "MALFORMED_REQUEST"
  | "INVALID_INPUT"
  | "OPERATION_NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_TIMEOUT"
  | "PAYLOAD_TOO_LARGE"
  | "HEADERS_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "CANCELLED"
  | "INTERNAL"
  | "UNAVAILABLE";
type SignedIn = "UNAUTHENTICATED" | "INVALID_TOKEN" | "INVALID_DPOP_PROOF" | "DPOP_NONCE_NEEDED" | "AMBIGUOUS_TOKEN";
type SigningIn = "INVALID_CREDENTIALS" | "TOO_MANY_ATTEMPTS" | "OVERLOADED" | "CREDENTIALS_IN_BATCH" | "FOREIGN_ORIGIN";
/** A third party's, too. */
type Scoped = "INSUFFICIENT_SCOPE" | "USER_REQUIRED";
type OwnAppsOnly = "FIRST_PARTY_ONLY" | "ROLE_REQUIRED" | "REAUTHENTICATION_REQUIRED";

describe("errorOf", () => {
  const thrown: unknown = undefined;

  it("gives exactly what the operation declared, its access implies, and travelling adds", () => {
    expectTypeOf<ErrorOf<"auth.login", Contract>["code"]>().toEqualTypeOf<Traveling | SigningIn | "UNREACHABLE">();
    expectTypeOf<ErrorOf<"auth.logout", Contract>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | OwnAppsOnly | "UNREACHABLE"
    >();
    expectTypeOf<ErrorOf<"user.me", Contract>["code"]>().toEqualTypeOf<Traveling | SignedIn | Scoped | "UNREACHABLE">();
    expectTypeOf<ErrorOf<"account.changeEmail", Contract>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | OwnAppsOnly | "EMAIL_TAKEN" | "TOO_MANY_ATTEMPTS" | "UNREACHABLE"
    >();
    expectTypeOf<ErrorOf<"demo.greeting", Contract>["code"]>().toEqualTypeOf<ErrorOf<"user.me", Contract>["code"]>();
  });

  it("returns that union, or null", () => {
    expectTypeOf(errorOf("auth.login", thrown)).toEqualTypeOf<ErrorOf<"auth.login", Contract> | null>();
    expectTypeOf<ErrorOf<"auth.login", Contract>>().toEqualTypeOf<
      RpcErrorData<Contract["errors"], Traveling | SigningIn> | Unreachable
    >();
  });

  it("gives the details that go with a code", () => {
    const error = errorOf("user.me", thrown);
    if (error?.code === "INSUFFICIENT_SCOPE") expectTypeOf(error.details.scopes).toEqualTypeOf<string[]>();
    if (error?.code === "INVALID_INPUT") {
      expectTypeOf(error.details.issues).toEqualTypeOf<{ path: (string | number)[]; message: string }[]>();
    }
    if (error?.code === "UNAUTHENTICATED") expectTypeOf(error.httpStatus).toEqualTypeOf<401>();
    const logout = errorOf("auth.logout", thrown);
    if (logout?.code === "REAUTHENTICATION_REQUIRED") {
      expectTypeOf(logout.details.maxAgeSeconds).toEqualTypeOf<number>();
    }
  });

  it("does not compile with a code that this operation cannot answer, or a path that is not declared", () => {
    const error = errorOf("auth.login", thrown);
    // @ts-expect-error signing in changes no address
    if (error?.code === "EMAIL_TAKEN") return;
    // @ts-expect-error no such operation
    errorOf("auth.signin", thrown);
  });

  it("lets a switch be checked for leaving nothing out", () => {
    const sentence = (code: Exclude<ErrorOf<"auth.login", Contract>["code"], Traveling>): string => {
      switch (code) {
        case "INVALID_CREDENTIALS":
          return "Wrong";
        case "TOO_MANY_ATTEMPTS":
        case "OVERLOADED":
          return "Later";
        case "CREDENTIALS_IN_BATCH":
        case "FOREIGN_ORIGIN":
          return "Never";
        case "UNREACHABLE":
          return "Nobody there";
        default:
          return code satisfies never;
      }
    };
    expectTypeOf(sentence).returns.toBeString();
  });
});

describe("tRPC's own ways of typing", () => {
  it("`safe` gives the error data that the operation declared", async () => {
    const [result, error] = await safe(
      createClient<Contract>({ url }).auth.login.mutate({ username: "john", password: "secret" }),
    );
    if (error) {
      expectTypeOf(error.data).toEqualTypeOf<
        RpcErrorData<Contract["errors"], Traveling | SigningIn> | null | undefined
      >();
    } else expectTypeOf(result).toEqualTypeOf<LoginResult>();
  });

  it("`safe` does so for a narrowed client", async () => {
    const [, error] = await safe(createClient<Contract, "profile:read">({ url }).user.me.query());
    expectTypeOf<NonNullable<NonNullable<typeof error>["data"]>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | Scoped
    >();
  });

  it("`inferRouterInputs` and `inferRouterOutputs` read the contract", () => {
    type Inputs = inferRouterInputs<AppRouter>;
    type Outputs = inferRouterOutputs<AppRouter>;
    expectTypeOf<Inputs["auth"]["login"]>().toEqualTypeOf<LoginInput>();
    expectTypeOf<Inputs["user"]["update"]>().toEqualTypeOf<UpdateUserInput>();
    expectTypeOf<Inputs["user"]["me"]>().toEqualTypeOf<void>();
    expectTypeOf<Outputs["auth"]["login"]>().toEqualTypeOf<LoginResult>();
    expectTypeOf<Outputs["user"]["me"]>().toEqualTypeOf<User>();
    expectTypeOf<Outputs["demo"]["greeting"]>().toEqualTypeOf<{ message: string }>();
  });

  it("the router of the contract, and of what is left for a third party, are tRPC routers", () => {
    expectTypeOf<AppRouter>().toExtend<AnyRouter>();
    expectTypeOf<RouterFor<Contract, "profile:read">>().toExtend<AnyRouter>();
    expectTypeOf<RouterFor<Contract, never>>().toExtend<AnyRouter>();
  });

  it("`createTRPCOptionsProxy` takes the client, and types errors by operation", () => {
    const trpc = createTRPCOptionsProxy<AppRouter>({
      client: createClient<Contract>({ url }),
      queryClient: {} as QueryClient,
    });
    const login = trpc.auth.login.mutationOptions({
      onError: (error) => {
        expectTypeOf(error.data?.code).toEqualTypeOf<Traveling | SigningIn | undefined>();
      },
    });
    expectTypeOf<Parameters<NonNullable<typeof login.mutationFn>>[0]>().toEqualTypeOf<LoginInput>();
    trpc.user.me.queryOptions(undefined, { select: (me) => expectTypeOf(me).toEqualTypeOf<User>() });
  });

  it("`createTRPCOptionsProxy` takes a narrowed client", () => {
    const trpc = createTRPCOptionsProxy<RouterFor<Contract, "profile:read">>({
      client: createClient<Contract, "profile:read">({ url }),
      queryClient: {} as QueryClient,
    });
    trpc.user.me.queryOptions();
    // @ts-expect-error needs profile:write
    trpc.user.update;
  });
});

describe("a change of the contract", () => {
  const { errors, operations } = fixtureContract;
  /** What a screen does with the answer of `user.me`. */
  const heading = async (client: Pick<Client<Contract>["user"], "me">) =>
    (await client.me.query()).fullName.toUpperCase();

  it("that takes a field away breaks the client's build", () => {
    const changed = {
      ...operations,
      user: {
        ...operations.user,
        me: query({ summary: "", access: scoped("profile:read"), output: User.omit({ fullName: true }) }),
      },
    };
    const client = {} as TRPCClient<RouterOf<{ errors: typeof errors; operations: typeof changed }>>;
    // @ts-expect-error there is no full name any more
    void heading(client.user);
    // @ts-expect-error nor here
    void client.user.me.query().then((me) => me.fullName);
  });

  it("that lets a field be null breaks the client's build", () => {
    const changed = {
      ...operations,
      user: {
        ...operations.user,
        me: query({
          summary: "",
          access: scoped("profile:read"),
          output: User.extend({ fullName: User.shape.fullName.nullable() }),
        }),
      },
    };
    const client = {} as TRPCClient<RouterOf<{ errors: typeof errors; operations: typeof changed }>>;
    // @ts-expect-error the name may be null
    void heading(client.user);
  });

  it("that asks for more breaks the client's build", () => {
    const changed = {
      greet: mutation({
        summary: "",
        access: anyone,
        input: User.pick({ username: true, fullName: true }),
        output: User,
      }),
    };
    const client = {} as TRPCClient<RouterOf<{ errors: typeof errors; operations: typeof changed }>>;
    // @ts-expect-error the full name is asked for as well
    void client.greet.mutate({ username: "john" });
  });

  it("of an operation's access changes who can call it", () => {
    const changed = { me: query({ summary: "", access: scoped("profile:write"), output: User }) };
    expectTypeOf<GrantedOf<typeof changed, "profile:read">>().toEqualTypeOf<never>();
  });
});

describe("an authorization", () => {
  const scopes = ["openid", "profile:read", "offline_access"] as const;
  const authorization = createAuthorization({ issuer: url, clientId: "app", scopes });

  it("gives the client what its scopes allow: asking and calling are one list", () => {
    const client = createClient<Contract, ScopesOf<typeof authorization>>({ url, authorization });
    expectTypeOf(client).toEqualTypeOf<Client<Contract, "profile:read">>();
    // @ts-expect-error needs greeting:read, which is not asked for
    client.demo;
  });

  it("knows its scopes from an array that is written in place, too", () => {
    const wider = createAuthorization({ issuer: url, clientId: "app", scopes: ["greeting:read", "profile:read"] });
    expectTypeOf(wider).toEqualTypeOf<PersonalAuthorization<"greeting:read" | "profile:read">>();
    expectTypeOf(createClient<Contract, ScopesOf<typeof wider>>({ url, authorization: wider })).toEqualTypeOf<
      Client<Contract, "greeting:read" | "profile:read">
    >();
  });

  it("that asks for nothing of the API allows what is open to anyone", () => {
    const signIn = createAuthorization({ issuer: url, clientId: "app", scopes: ["openid", "email"] });
    expectTypeOf(createClient<Contract, ScopesOf<typeof signIn>>({ url, authorization: signIn })).toEqualTypeOf<
      Client<Contract, never>
    >();
  });

  it("does for a client that names no more than it asks for", () => {
    const wider = createAuthorization({ issuer: url, clientId: "app", scopes: ["greeting:read", "profile:read"] });
    expectTypeOf(createClient<Contract, "profile:read">({ url, authorization: wider })).toEqualTypeOf<
      Client<Contract, "profile:read">
    >();
    // @ts-expect-error greeting:read is not asked for
    createClient<Contract, "profile:read" | "greeting:read">({ url, authorization });
    // @ts-expect-error nobody grants what an app of our own may do
    createClient<Contract, OwnApp>({ url, authorization });
  });

  it("asks for scopes that exist", () => {
    const unknown = createAuthorization({ issuer: url, clientId: "app", scopes: ["profile:erase"] });
    // @ts-expect-error no such scope
    createClient<Contract, ScopesOf<typeof unknown>>({ url, authorization: unknown });
    // @ts-expect-error not asked for
    authorization.allows("greeting:read");
  });

  it("brings its own tokens", () => {
    // @ts-expect-error kept in two places
    createClient<Contract, "profile:read">({ url, authorization, tokens: {} as TokenStore });
    // @ts-expect-error a cookie is for the server's own pages
    createClient<Contract, "profile:read">({ url, authorization, transport: "cookie" });
  });

  it("fails with a code", () => {
    expectTypeOf<"access_denied">().toExtend<AuthorizationError["code"]>();
    expectTypeOf(authorization.redeem).returns.resolves.toEqualTypeOf<Grant>();
  });
});

describe("what a person is asked for", () => {
  it("is told with the operation that needs it, and answered with whether it was given", () => {
    createClient<Contract>({
      url,
      onStepUp: async (event) => {
        expectTypeOf(event.maxAgeSeconds).toEqualTypeOf<number>();
        expectTypeOf(event.path).toEqualTypeOf<string>();
        return true;
      },
      onConsentNeeded: async (event) => {
        expectTypeOf(event.scopes).toEqualTypeOf<readonly string[]>();
        return false;
      },
    });
    // @ts-expect-error an answer is needed
    createClient<Contract>({ url, onStepUp: async () => {} });
  });
});

describe("the contract's paths", () => {
  it("are those of every area's operations, and lead back to them", () => {
    type Areas = Contract["operations"];
    expectTypeOf<PathIn<Contract>>().toEqualTypeOf<
      { [A in keyof Areas]: `${A}.${keyof Areas[A] & string}` }[keyof Areas]
    >();
    expectTypeOf<OperationIn<Contract, "user.me">>().toEqualTypeOf<Areas["user"]["me"]>();
    expectTypeOf<OperationIn<Contract, "user.nobody">>().toEqualTypeOf<never>();
    expectTypeOf<ErrorCodeOf<Areas["auth"]["login"]>>().toEqualTypeOf<Traveling | SigningIn>();
  });
});

describe("a session", () => {
  it("is read from the client, from React, and narrows by its status", () => {
    const state = sessionOf(createClient<Contract>({ url })).get();
    expectTypeOf(state).toEqualTypeOf<SessionState>();
    expectTypeOf(useSession).returns.toEqualTypeOf<SessionState>();
    if (state.status === "signedIn") expectTypeOf(state.user).toEqualTypeOf<User | undefined>();
    if (state.status === "signedOut") expectTypeOf(state.reason).toEqualTypeOf<SessionEndReason | null>();
  });

  it("is kept in any store, at hand at once or not", () => {
    expectTypeOf<MemoryTokens>().toExtend<TokenStore>();
    expectTypeOf(fileTokens).returns.toEqualTypeOf<TokenStore>();
    createClient<Contract>({ url, tokens: { get: async () => null, set: async () => {} } });
  });

  it("is watched through the client", () => {
    const client = createClient<Contract>({ url });
    client.session.events.subscribe(undefined, {
      onData: (event) => expectTypeOf(event).toEqualTypeOf<SessionEvent>(),
      onError: (error) => expectTypeOf(error.data).toExtend<RpcErrorData | null | undefined>(),
    });
    expectTypeOf(createServerClient<Contract>({ url, headers: {} })).toEqualTypeOf<Client<Contract>>();
  });
});
