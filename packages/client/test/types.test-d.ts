// What compiles for first-party clients, for third-party clients within their scopes, and where errors are handled.

import {
  type Client,
  createClient,
  type ErrorOf,
  errorReader,
  type FirstPartyClient,
  type MemoryTokens,
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
  type FactorKind,
  type GrantedOperations,
  type OperationIn,
  type PathIn,
  type RouterOf,
  type RpcErrorData,
  type ScopeOf,
  type SecondFactorMethod,
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

/** The names of the operations in a contract. */
type GrantedOf<T, S extends string> = keyof GrantedOperations<T, S>;

describe("a first-party client", () => {
  const client = createClient<Contract>({ url });

  it("sees every operation, with its input and output", () => {
    expectTypeOf(client).toEqualTypeOf<Client<Contract>>();
    expectTypeOf(client).toEqualTypeOf<TRPCClient<AppRouter>>();
    expectTypeOf(client.auth.login.mutate).parameter(0).toEqualTypeOf<LoginInput>();
    expectTypeOf(client.auth.login.mutate).returns.resolves.toEqualTypeOf<LoginResult>();
    expectTypeOf(client.auth.logout.mutate).returns.resolves.toEqualTypeOf<{ continueAt?: string }>();
    expectTypeOf(client.user.me.query).returns.resolves.toEqualTypeOf<User>();
    expectTypeOf(client.user.update.mutate).parameter(0).toEqualTypeOf<UpdateUserInput>();
    expectTypeOf(client.photo.album.query).returns.resolves.toEqualTypeOf<{ title: string }>();
  });

  it("calls operations without input with no argument", () => {
    expectTypeOf(client.user.me.query).toBeCallableWith();
    // @ts-expect-error takes no input
    void client.user.me.query({ id: "1" });
  });

  it("cannot call an undeclared operation, as another kind, or with another input", () => {
    // @ts-expect-error no such operation
    client.user.remove;
    // @ts-expect-error no such area
    client.users;
    // @ts-expect-error a query, not a mutation
    client.user.me.mutate;
    // @ts-expect-error no password
    void client.auth.login.mutate({ username: "john" });
    // @ts-expect-error the name is a string
    void client.user.update.mutate({ fullName: 1 });
    // @ts-expect-error no such field in the output
    void client.user.me.query().then((me) => me.passwordHash);
  });
});

describe("a third-party client", () => {
  it("calls what was granted", () => {
    const client = createClient<Contract, "profile:read">({ url });
    expectTypeOf(client).toEqualTypeOf<Client<Contract, "profile:read">>();
    expectTypeOf(client.user.me.query).returns.resolves.toEqualTypeOf<User>();
  });

  it("does not compile with a call that was not granted", () => {
    const client = createClient<Contract, "profile:read">({ url });
    // @ts-expect-error needs profile:write
    client.user.update;
    // @ts-expect-error no operation of this area is granted
    client.photo;
    // @ts-expect-error for first-party clients only
    client.auth.logout;
  });

  it("calls what any of several scopes allow", () => {
    const client = createClient<Contract, "profile:read" | "photos:read">({ url });
    expectTypeOf(client).toHaveProperty("photo");
    expectTypeOf(client.user).toHaveProperty("me");
    expectTypeOf(client.user).not.toHaveProperty("update");
  });

  it("never gets first-party operations, whatever its scopes", () => {
    const client = createClient<Contract, ScopeOf<Contract>>({ url });
    expectTypeOf(client.user).toHaveProperty("update");
    expectTypeOf(client.auth).not.toHaveProperty("logout");
  });

  it("without a scope calls the operations for anyone", () => {
    const client = createClient<Contract, never>({ url });
    expectTypeOf(client).not.toHaveProperty("user");
    expectTypeOf(client).not.toHaveProperty("photo");
  });

  it("cannot name a scope that does not exist", () => {
    // @ts-expect-error no such scope
    createClient<Contract, "profile:erase">({ url });
  });

  it("needs every scope of an operation", () => {
    const both = { all: query({ summary: "", access: scoped("profile:read", "profile:write"), output: User }) };
    expectTypeOf<GrantedOf<typeof both, "profile:read">>().toEqualTypeOf<never>();
    expectTypeOf<GrantedOf<typeof both, "profile:read" | "profile:write">>().toEqualTypeOf<"all">();
  });

  it("accepts a first-party client, but not the other way round", () => {
    expectTypeOf<Client<Contract>["user"]>().toExtend<Client<Contract, "profile:read">["user"]>();
    expectTypeOf<Client<Contract, "profile:read">["user"]>().not.toExtend<Client<Contract>["user"]>();
  });
});

/** The request of a sign-in. */
interface LoginInput {
  username: string;
  password: string;
  transport?: "body" | "cookie" | undefined;
  deviceToken?: string | undefined;
  solution?: string | undefined;
}

/** The answer after JSON. */
type LoginResult =
  | CompleteSignIn
  | { status: "second_factor_required"; challengeId: string; expiresIn: number; methods: SecondFactorMethod[] }
  | { status: "enrolment_required"; challengeId: string; expiresIn: number; kinds: FactorKind[] };

interface CompleteSignIn {
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
type SigningIn =
  | "NOT_ADMITTED"
  | "CHALLENGE_REQUIRED"
  | "INVALID_CREDENTIALS"
  | "DELETION_PENDING"
  | "TOO_MANY_ATTEMPTS"
  | "OVERLOADED"
  | "CREDENTIALS_IN_BATCH"
  | "FOREIGN_ORIGIN";
/** Calls of third-party clients, too. */
type Scoped = "INSUFFICIENT_SCOPE" | "USER_REQUIRED";
type FirstPartyOnly = "FIRST_PARTY_ONLY" | "ROLE_REQUIRED";

describe("errorOf", () => {
  const thrown: unknown = undefined;

  it("gives exactly the errors that the operation declares, that its access implies, and UNREACHABLE", () => {
    expectTypeOf<ErrorOf<"auth.login", Contract>["code"]>().toEqualTypeOf<Traveling | SigningIn | "UNREACHABLE">();
    expectTypeOf<ErrorOf<"auth.logout", Contract>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | FirstPartyOnly | "UNREACHABLE"
    >();
    expectTypeOf<ErrorOf<"user.me", Contract>["code"]>().toEqualTypeOf<Traveling | SignedIn | Scoped | "UNREACHABLE">();
    expectTypeOf<ErrorOf<"account.completeEmailChange", Contract>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | FirstPartyOnly | "EMAIL_TAKEN" | "PROOF_REFUSED" | "CREDENTIALS_IN_BATCH" | "UNREACHABLE"
    >();
    expectTypeOf<ErrorOf<"account.removeEmail", Contract>["code"]>().toEqualTypeOf<
      Traveling | SignedIn | FirstPartyOnly | "REAUTHENTICATION_REQUIRED" | "UNREACHABLE"
    >();
    expectTypeOf<ErrorOf<"photo.album", Contract>["code"]>().toEqualTypeOf<ErrorOf<"user.me", Contract>["code"]>();
  });

  it("returns that union, or null", () => {
    expectTypeOf(errorOf("auth.login", thrown)).toEqualTypeOf<ErrorOf<"auth.login", Contract> | null>();
    expectTypeOf<ErrorOf<"auth.login", Contract>>().toEqualTypeOf<
      RpcErrorData<Contract["errors"], Traveling | SigningIn> | Unreachable
    >();
  });

  it("gives the details of a code", () => {
    const error = errorOf("user.me", thrown);
    if (error?.code === "INSUFFICIENT_SCOPE") expectTypeOf(error.details.scopes).toEqualTypeOf<string[]>();
    if (error?.code === "INVALID_INPUT") {
      expectTypeOf(error.details.issues).toEqualTypeOf<{ path: (string | number)[]; message: string }[]>();
    }
    if (error?.code === "UNAUTHENTICATED") expectTypeOf(error.httpStatus).toEqualTypeOf<401>();
    const removal = errorOf("factor.remove", thrown);
    if (removal?.code === "REAUTHENTICATION_REQUIRED") {
      expectTypeOf(removal.details).toEqualTypeOf<{
        maxAgeSeconds: number | null;
        factors: number;
        phishingResistant: boolean;
      }>();
    }
    // @ts-expect-error its access asks for no more than a sign-in
    if (error?.code === "REAUTHENTICATION_REQUIRED") return;
  });

  it("does not compile with a code that the operation cannot answer, or an undeclared path", () => {
    const error = errorOf("auth.login", thrown);
    // @ts-expect-error sign-in does not answer this
    if (error?.code === "EMAIL_TAKEN") return;
    // @ts-expect-error no such operation
    errorOf("auth.signin", thrown);
  });

  it("lets the compiler check that a switch has every case", () => {
    const sentence = (code: Exclude<ErrorOf<"auth.login", Contract>["code"], Traveling>): string => {
      switch (code) {
        case "INVALID_CREDENTIALS":
          return "Wrong";
        case "DELETION_PENDING":
          return "Cancel it";
        case "TOO_MANY_ATTEMPTS":
        case "OVERLOADED":
          return "Later";
        case "CREDENTIALS_IN_BATCH":
        case "FOREIGN_ORIGIN":
        case "CHALLENGE_REQUIRED":
        case "NOT_ADMITTED":
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

describe("tRPC's own types", () => {
  it("`safe` gives the error data that the operation declares", async () => {
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
    expectTypeOf<Outputs["photo"]["album"]>().toEqualTypeOf<{ title: string }>();
  });

  it("the router of the contract and its narrowed version are tRPC routers", () => {
    expectTypeOf<AppRouter>().toExtend<AnyRouter>();
    expectTypeOf<RouterFor<Contract, "profile:read">>().toExtend<AnyRouter>();
    expectTypeOf<RouterFor<Contract, never>>().toExtend<AnyRouter>();
  });

  it("`createTRPCOptionsProxy` accepts the client, and types errors by operation", () => {
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

  it("`createTRPCOptionsProxy` accepts a narrowed client", () => {
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
  /** A component that uses the answer of `user.me`. */
  const heading = async (client: Pick<Client<Contract>["user"], "me">) =>
    (await client.me.query()).fullName.toUpperCase();

  it("that removes a field of an output breaks the client's build", () => {
    const changed = {
      ...operations,
      user: {
        ...operations.user,
        me: query({ summary: "", access: scoped("profile:read"), output: User.omit({ fullName: true }) }),
      },
    };
    const client = {} as TRPCClient<RouterOf<{ errors: typeof errors; operations: typeof changed }>>;
    // @ts-expect-error fullName was removed
    void heading(client.user);
    // @ts-expect-error here, too
    void client.user.me.query().then((me) => me.fullName);
  });

  it("that makes a field nullable breaks the client's build", () => {
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
    // @ts-expect-error may be null
    void heading(client.user);
  });

  it("that requires another input field breaks the client's build", () => {
    const changed = {
      greet: mutation({
        summary: "",
        access: anyone,
        input: User.pick({ username: true, fullName: true }),
        output: User,
      }),
    };
    const client = {} as TRPCClient<RouterOf<{ errors: typeof errors; operations: typeof changed }>>;
    // @ts-expect-error fullName is required now
    void client.greet.mutate({ username: "john" });
  });

  it("of an operation's access changes which clients can call it", () => {
    const changed = { me: query({ summary: "", access: scoped("profile:write"), output: User }) };
    expectTypeOf<GrantedOf<typeof changed, "profile:read">>().toEqualTypeOf<never>();
  });
});

describe("an authorization", () => {
  const scopes = ["openid", "profile:read", "offline_access"] as const;
  const authorization = createAuthorization({ issuer: url, clientId: "app", scopes });

  it("lets the client call what its scopes allow", () => {
    const client = createClient<Contract, ScopesOf<typeof authorization>>({ url, authorization });
    expectTypeOf(client).toEqualTypeOf<Client<Contract, "profile:read">>();
    // @ts-expect-error needs photos:read, which is not in `scopes`
    client.photo;
  });

  it("infers its scopes from an array literal", () => {
    const wider = createAuthorization({ issuer: url, clientId: "app", scopes: ["photos:read", "profile:read"] });
    expectTypeOf(wider).toEqualTypeOf<PersonalAuthorization<"photos:read" | "profile:read">>();
    expectTypeOf(createClient<Contract, ScopesOf<typeof wider>>({ url, authorization: wider })).toEqualTypeOf<
      Client<Contract, "photos:read" | "profile:read">
    >();
  });

  it("without scopes of the API allows the operations for anyone", () => {
    const signIn = createAuthorization({ issuer: url, clientId: "app", scopes: ["openid", "email"] });
    expectTypeOf(createClient<Contract, ScopesOf<typeof signIn>>({ url, authorization: signIn })).toEqualTypeOf<
      Client<Contract, never>
    >();
  });

  it("fits a client that names a part of its scopes", () => {
    const wider = createAuthorization({ issuer: url, clientId: "app", scopes: ["photos:read", "profile:read"] });
    expectTypeOf(createClient<Contract, "profile:read">({ url, authorization: wider })).toEqualTypeOf<
      Client<Contract, "profile:read">
    >();
    // @ts-expect-error photos:read is not in `scopes`
    createClient<Contract, "profile:read" | "photos:read">({ url, authorization });
    // @ts-expect-error a third-party client is not a first-party client
    createClient<Contract, FirstPartyClient>({ url, authorization });
  });

  it("cannot ask for a scope that does not exist", () => {
    const unknown = createAuthorization({ issuer: url, clientId: "app", scopes: ["profile:erase"] });
    // @ts-expect-error no such scope
    createClient<Contract, ScopesOf<typeof unknown>>({ url, authorization: unknown });
    // @ts-expect-error not in `scopes`
    authorization.allows("photos:read");
  });

  it("has its own tokens", () => {
    // @ts-expect-error a second store
    createClient<Contract, "profile:read">({ url, authorization, tokens: {} as TokenStore });
    // @ts-expect-error the cookie transport is for the server's own pages
    createClient<Contract, "profile:read">({ url, authorization, transport: "cookie" });
  });

  it("fails with a code", () => {
    expectTypeOf<"access_denied">().toExtend<AuthorizationError["code"]>();
    expectTypeOf(authorization.redeem).returns.resolves.toEqualTypeOf<Grant>();
  });
});

describe("a prompt", () => {
  it("names the operation that needs the answer, and is answered with a boolean", () => {
    createClient<Contract>({
      url,
      onStepUp: async (event) => {
        expectTypeOf(event.maxAgeSeconds).toEqualTypeOf<number | null>();
        expectTypeOf(event.path).toEqualTypeOf<string>();
        return true;
      },
      onConsentNeeded: async (event) => {
        expectTypeOf(event.scopes).toEqualTypeOf<readonly string[]>();
        return false;
      },
    });
    // @ts-expect-error returns no answer
    createClient<Contract>({ url, onStepUp: async () => {} });
  });
});

describe("the contract's paths", () => {
  it("are those of all operations, and lead back to them", () => {
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
  it("is read from the client and from React, and narrows by its status", () => {
    const state = sessionOf(createClient<Contract>({ url })).get();
    expectTypeOf(state).toEqualTypeOf<SessionState>();
    expectTypeOf(useSession).returns.toEqualTypeOf<SessionState>();
    if (state.status === "signedIn") expectTypeOf(state.user).toEqualTypeOf<User | undefined>();
    if (state.status === "signedOut") expectTypeOf(state.reason).toEqualTypeOf<SessionEndReason | null>();
  });

  it("is kept in any store, synchronous or not", () => {
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
