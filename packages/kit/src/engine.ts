// Owns the operations of the engine: accounts, sessions, clients and grants. Every contract includes them.

import { z } from "zod";
import { engineRoles } from "./access.ts";
import {
  ChangeEmailInput,
  CheckCodeInput,
  CompleteEmailChangeInput,
  CompleteRegistrationInput,
  DeletionPreview,
  ExportInput,
  ExportPart,
  LoginWithCodeInput,
  ProofLinkInput,
  RecoverInput,
  RegisterInput,
  RequestedProof,
  RequestSignInCodeInput,
  ResendProofInput,
  ResetPasswordInput,
  SignUpPolicy,
} from "./accounts.ts";
import {
  AuthorizationAsker,
  AuthorizationRequest,
  ConnectedClient,
  OAuthClient,
  RegisterClientInput,
  RegisteredClient,
} from "./clients.ts";
import { defineContract, vocabulary } from "./contract.ts";
import { engineErrors } from "./errors.ts";
import {
  CompleteEnrolmentInput,
  CompleteFactorInput,
  Enrolment,
  Factor,
  FactorKind,
  FactorList,
  FactorName,
  PasskeyOptions,
} from "./factors.ts";
import { Identity, Provider } from "./identities.ts";
import { Id } from "./ids.ts";
import { ProofView } from "./proofs.ts";
import { RecentAccess } from "./recent-access.ts";
import { engineScopes } from "./scopes.ts";
import { HistoryEntry, SessionEvent, SessionView } from "./sessions.ts";
import {
  AccessTokenResult,
  ChangePasswordInput,
  LoginInput,
  RefreshInput,
  RefreshResult,
  SetPasswordInput,
} from "./sign-in.ts";
import {
  BeginEnrolmentInput,
  CompleteLoginInput,
  LoginResult,
  PasskeyLoginInput,
  SignedIn,
  StepUpInput,
} from "./sign-in-steps.ts";
import { UpdateUserInput, User } from "./users.ts";

const ClientId = z.object({ clientId: Id.describe("The `client_id` of a client") });
const AuthorizationId = z.object({ authorizationId: Id });
const FactorId = z.object({ factorId: Id.describe("The ID of a factor, from the list of factors") });

const words = { scopes: engineScopes, roles: engineRoles, errors: engineErrors };
const { query, mutation, subscription, anyone, firstParty, scoped } = vocabulary(words);

/** Errors of operations that set cookies. */
const fromPages = ["CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"] as const;

/** The errors of operations that strangers call, and programs try again and again. */
const admission = ["NOT_ADMITTED", "CHALLENGE_REQUIRED"] as const;

/** The engine's operations, which every contract has. */
export const engine = {
  auth: {
    login: mutation({
      summary: "Sign in with a username or e-mail address and a password",
      access: anyone,
      input: LoginInput,
      output: LoginResult,
      errors: [
        ...admission,
        "INVALID_CREDENTIALS",
        "DELETION_PENDING",
        "TOO_MANY_ATTEMPTS",
        "OVERLOADED",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
      credential: true,
    }),
    requestSignInCode: mutation({
      summary: "Send a code to the address of an account, to sign in with in place of the password",
      access: anyone,
      input: RequestSignInCodeInput,
      output: RequestedProof,
      errors: [
        ...admission,
        "SIGN_IN_CODE_OFF",
        "MAIL_OFF",
        "TOO_MANY_ATTEMPTS",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
    }),
    loginWithCode: mutation({
      summary: "Sign in with the code that was sent",
      access: anyone,
      input: LoginWithCodeInput,
      output: LoginResult,
      errors: [
        "SIGN_IN_CODE_OFF",
        "MAIL_OFF",
        "PROOF_REFUSED",
        "TOO_MANY_ATTEMPTS",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
      credential: true,
    }),
    completeLogin: mutation({
      summary: "Complete a sign-in with a second factor",
      access: anyone,
      input: CompleteLoginInput,
      output: SignedIn,
      errors: ["FACTOR_REFUSED", "CHALLENGE_EXPIRED", "TOO_MANY_ATTEMPTS", "OVERLOADED", ...fromPages],
      credential: true,
    }),
    // A mutation, so that nothing caches the challenge.
    passkeyOptions: mutation({
      summary: "Begin to sign in, or to prove a factor, with a passkey",
      access: anyone,
      output: PasskeyOptions,
      errors: ["PASSKEYS_OFF"],
    }),
    loginWithPasskey: mutation({
      summary: "Sign in with a passkey alone",
      access: anyone,
      input: PasskeyLoginInput,
      output: SignedIn,
      errors: ["NOT_ADMITTED", "INVALID_CREDENTIALS", "CHALLENGE_EXPIRED", "PASSKEYS_OFF", ...fromPages],
      credential: true,
    }),
    beginEnrolment: mutation({
      summary: "Begin to add the second factor that a sign-in requires",
      access: anyone,
      input: BeginEnrolmentInput,
      output: Enrolment,
      errors: ["CHALLENGE_EXPIRED", "PASSKEYS_OFF"],
    }),
    completeEnrolment: mutation({
      summary: "Add the second factor that a sign-in requires, and complete the sign-in",
      access: anyone,
      input: CompleteEnrolmentInput,
      output: SignedIn,
      errors: ["FACTOR_REFUSED", "CHALLENGE_EXPIRED", ...fromPages],
      credential: true,
    }),
    stepUp: mutation({
      summary: "Prove again who the signed-in user is, with a password, a second factor or both",
      access: firstParty(),
      input: StepUpInput,
      output: SignedIn,
      errors: [
        "FACTOR_REFUSED",
        "INVALID_CREDENTIALS",
        "CHALLENGE_EXPIRED",
        "TOO_MANY_ATTEMPTS",
        "OVERLOADED",
        ...fromPages,
      ],
      credential: true,
    }),
    refresh: mutation({
      summary: "Exchange a refresh token for the session's next tokens",
      access: anyone,
      input: RefreshInput,
      output: RefreshResult,
      errors: ["SESSION_ENDED", "CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"],
      credential: true,
    }),
    issueAccessToken: mutation({
      summary: "Issue an access token for a browser's session cookie, without redeeming it",
      access: anyone,
      output: AccessTokenResult,
      errors: ["SESSION_ENDED", "CREDENTIALS_IN_BATCH", "SERVERS_ONLY"],
      credential: true,
    }),
    logout: mutation({
      summary: "End this session",
      access: firstParty(),
      rest: { method: "DELETE", path: "/users/me/sessions/current" },
      output: z.object({
        /** The URL at which a browser also signs out at the identity provider. Absent: it does not. */
        continueAt: z.string().optional(),
      }),
    }),
    methods: query({
      summary: "List the ways to sign in, to sign up and to recover an account",
      access: anyone,
      output: z.object({
        providers: z.array(Provider),
        /** Who may sign up by mail. */
        signUp: SignUpPolicy,
        /** Whether the server sends mail, so that people can recover their account. */
        recovery: z.boolean(),
        /** Whether people can sign in with a code that is sent by mail. */
        signInCode: z.boolean(),
        /** Whether passkeys work at the address of the server. */
        passkeys: z.boolean(),
      }),
    }),
  },
  user: {
    me: query({
      summary: "Read the signed-in user",
      access: scoped("profile:read"),
      rest: { method: "GET", path: "/users/me" },
      output: User,
    }),
    update: mutation({
      summary: "Change the signed-in user's name",
      access: scoped("profile:write"),
      rest: { method: "PATCH", path: "/users/me" },
      input: UpdateUserInput,
      output: User,
    }),
    changePassword: mutation({
      summary: "Change the signed-in user's password, and end their other sessions",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: ChangePasswordInput,
      output: z.object({}),
      errors: ["INVALID_CREDENTIALS", "PASSWORD_REFUSED", "TOO_MANY_ATTEMPTS", "OVERLOADED", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    setPassword: mutation({
      summary: "Set the first password of an account that has none, and end its other sessions",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: SetPasswordInput,
      output: z.object({}),
      errors: ["PASSWORD_EXISTS", "PASSWORD_REFUSED", "OVERLOADED", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    recentAccess: query({
      summary: "List the identities, grants and factors that were added in the last 30 days",
      access: firstParty(),
      output: RecentAccess,
    }),
  },
  account: {
    register: mutation({
      summary: "Send a code to an address, to sign up with",
      access: anyone,
      input: RegisterInput,
      output: RequestedProof,
      errors: [
        ...admission,
        "SIGN_UP_REFUSED",
        "MAIL_OFF",
        "TOO_MANY_ATTEMPTS",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
    }),
    completeRegistration: mutation({
      summary: "Create the account of a proved address, and sign in to it",
      access: anyone,
      input: CompleteRegistrationInput,
      output: LoginResult,
      errors: [
        "PROOF_REFUSED",
        "SIGN_UP_REFUSED",
        "USERNAME_REFUSED",
        "PASSWORD_REFUSED",
        "EMAIL_TAKEN",
        "TOO_MANY_ATTEMPTS",
        "OVERLOADED",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
      credential: true,
    }),
    recover: mutation({
      summary: "Send a code to the address of an account whose password is lost",
      access: anyone,
      input: RecoverInput,
      output: RequestedProof,
      errors: [...admission, "MAIL_OFF", "TOO_MANY_ATTEMPTS", "CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"],
    }),
    resetPassword: mutation({
      summary: "Set the password of a recovered account, and end its sessions and grants",
      access: anyone,
      input: ResetPasswordInput,
      output: z.object({
        /** Absent with the `cookie` transport. */
        deviceToken: z.string().optional(),
      }),
      errors: ["PROOF_REFUSED", "PASSWORD_REFUSED", "OVERLOADED", "CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"],
      credential: true,
    }),
    changeEmail: mutation({
      summary: "Send a code to the address that the signed-in user wants to have",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: ChangeEmailInput,
      output: RequestedProof,
      errors: ["MAIL_OFF", "TOO_MANY_ATTEMPTS", "CREDENTIALS_IN_BATCH", "FOREIGN_ORIGIN"],
    }),
    completeEmailChange: mutation({
      summary: "Give the signed-in user the address that they proved",
      access: firstParty(),
      input: CompleteEmailChangeInput,
      output: User,
      errors: ["PROOF_REFUSED", "EMAIL_TAKEN", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    removeEmail: mutation({
      summary: "Remove the address of the signed-in user",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      output: User,
    }),
    undoEmailChange: mutation({
      summary: "Restore an account's old address and end its sessions, with the link of a mail",
      access: anyone,
      input: ProofLinkInput,
      output: z.object({ email: z.string() }),
      errors: ["PROOF_REFUSED", "EMAIL_TAKEN", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    export: mutation({
      summary: "Read everything that is stored about the signed-in user, part by part",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: ExportInput,
      output: ExportPart,
    }),
    previewDeletion: query({
      summary: "Read what deleting the account of the signed-in user would do",
      access: firstParty(),
      output: DeletionPreview,
    }),
    delete: mutation({
      summary: "End every access of the signed-in user, and delete the account after some days",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      rest: { method: "DELETE", path: "/users/me" },
      output: z.object({
        /** Until then it can be cancelled: epoch milliseconds. */
        deletesAt: z.int(),
      }),
      errors: ["LAST_ADMINISTRATOR"],
    }),
    cancelDeletion: mutation({
      summary: "Keep an account that is to be deleted, with the link of a mail or of a sign-in",
      access: anyone,
      input: ProofLinkInput,
      output: z.object({ username: z.string() }),
      errors: ["PROOF_REFUSED", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    checkCode: mutation({
      summary: "Check the code to sign up or to recover an account, without using it up",
      access: anyone,
      input: CheckCodeInput,
      output: z.object({}),
      errors: ["PROOF_REFUSED", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    resendProof: mutation({
      summary: "Send a new code in place of an earlier one",
      access: anyone,
      input: ResendProofInput,
      output: RequestedProof,
      errors: [
        "PROOF_REFUSED",
        "SIGN_UP_REFUSED",
        "SIGN_IN_CODE_OFF",
        "MAIL_OFF",
        "TOO_MANY_ATTEMPTS",
        "CREDENTIALS_IN_BATCH",
        "FOREIGN_ORIGIN",
      ],
    }),
    // A mutation, so that the secret is in no URL. It changes nothing.
    readProof: mutation({
      summary: "Read what the link in a mail is for",
      access: anyone,
      input: ProofLinkInput,
      output: ProofView,
      errors: ["PROOF_REFUSED"],
    }),
  },
  factor: {
    list: query({
      summary: "List the signed-in user's factors and trusted devices",
      access: firstParty(),
      output: FactorList,
    }),
    begin: mutation({
      summary: "Begin to add a factor",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: z.object({ kind: FactorKind }),
      output: Enrolment,
      errors: ["TOO_MANY_FACTORS", "PASSKEYS_OFF"],
    }),
    complete: mutation({
      summary: "Add a factor that was begun",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: CompleteFactorInput,
      output: Factor,
      errors: ["FACTOR_REFUSED", "CHALLENGE_EXPIRED", "TOO_MANY_FACTORS", "CREDENTIALS_IN_BATCH"],
      credential: true,
    }),
    rename: mutation({
      summary: "Rename a factor",
      access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
      input: FactorId.extend({ name: FactorName }),
      output: Factor,
      errors: ["FACTOR_NOT_FOUND"],
    }),
    remove: mutation({
      summary: "Remove a factor, and end the other sessions that it was proved in",
      access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
      input: FactorId,
      output: z.object({}),
      errors: ["FACTOR_NOT_FOUND", "LAST_FACTOR"],
    }),
    renewRecoveryCodes: mutation({
      summary: "Make ten new recovery codes, in place of the old ones",
      access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
      output: z.object({
        /** Shown once: the server keeps only their hashes. `BCDF-GHJK-LMNP` */
        codes: z.array(z.string()),
      }),
      errors: ["OVERLOADED"],
    }),
    forgetDevice: mutation({
      summary: "Stop trusting a device",
      access: firstParty(),
      input: z.object({ deviceId: Id.describe("The ID of a trusted device, from the list of factors") }),
      output: z.object({}),
      errors: ["TRUSTED_DEVICE_NOT_FOUND"],
    }),
  },
  session: {
    list: query({
      summary: "List the signed-in user's sessions",
      access: firstParty(),
      rest: { method: "GET", path: "/users/me/sessions" },
      output: z.array(SessionView.extend({ current: z.boolean() })),
    }),
    revoke: mutation({
      summary: "End one of the signed-in user's sessions",
      access: firstParty(),
      rest: { method: "DELETE", path: "/users/me/sessions/{sessionId}" },
      input: z.object({ sessionId: Id.describe("The ID of a session, from the list of sessions") }),
      output: z.object({}),
      errors: ["SESSION_NOT_FOUND"],
    }),
    revokeOthers: mutation({
      summary: "End all of the signed-in user's sessions except this one",
      access: firstParty(),
      output: z.object({ ended: z.int() }),
    }),
    history: query({
      summary: "List the audit log entries of the signed-in user's account",
      access: firstParty(),
      output: z.array(HistoryEntry),
    }),
    events: subscription({
      summary: "Stream changes of the signed-in user's sessions, until this session ends",
      access: firstParty(),
      output: SessionEvent,
      errors: ["SESSION_ENDED", "TOO_MANY_STREAMS"],
    }),
  },
  authorization: {
    asker: query({
      summary: "Read which client requests authorization, before the sign-in",
      access: anyone,
      input: AuthorizationId,
      output: AuthorizationAsker,
      errors: ["AUTHORIZATION_NOT_FOUND"],
    }),
    read: query({
      summary: "Read an authorization request",
      access: firstParty(),
      input: AuthorizationId,
      output: AuthorizationRequest,
      errors: ["AUTHORIZATION_NOT_FOUND"],
    }),
    approve: mutation({
      summary: "Approve an authorization request",
      access: firstParty(),
      input: AuthorizationId,
      output: z.object({ redirectTo: z.string() }),
      errors: ["AUTHORIZATION_NOT_FOUND", "REAUTHENTICATION_REQUIRED"],
    }),
    deny: mutation({
      summary: "Deny an authorization request",
      access: firstParty(),
      input: AuthorizationId,
      output: z.object({ redirectTo: z.string() }),
      errors: ["AUTHORIZATION_NOT_FOUND"],
    }),
  },
  grant: {
    list: query({
      summary: "List the clients that the signed-in user granted access",
      access: firstParty(),
      rest: { method: "GET", path: "/users/me/grants" },
      output: z.array(ConnectedClient),
    }),
    revoke: mutation({
      summary: "Revoke a client's access to the signed-in user",
      access: firstParty(),
      rest: { method: "DELETE", path: "/users/me/grants/{clientId}" },
      input: ClientId,
      output: z.object({}),
      errors: ["CLIENT_NOT_FOUND"],
    }),
  },
  client: {
    list: query({
      summary: "List the clients that the signed-in user has registered",
      access: firstParty(),
      output: z.array(OAuthClient),
    }),
    register: mutation({
      summary: "Register a client",
      access: firstParty(),
      input: RegisterClientInput,
      output: RegisteredClient,
      errors: ["CLIENT_NAME_REFUSED"],
    }),
    update: mutation({
      summary: "Change a registered client",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: RegisterClientInput.safeExtend(ClientId.shape),
      output: OAuthClient,
      errors: ["CLIENT_NOT_FOUND", "CLIENT_NAME_REFUSED"],
    }),
    rotateSecret: mutation({
      summary: "Replace the secret of a registered client",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: ClientId,
      output: RegisteredClient,
      errors: ["CLIENT_NOT_FOUND", "CLIENT_HAS_NO_SECRET"],
    }),
    delete: mutation({
      summary: "Delete a registered client and every grant to it",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: ClientId,
      output: z.object({}),
      errors: ["CLIENT_NOT_FOUND"],
    }),
  },
  identity: {
    list: query({
      summary: "List the signed-in user's identities",
      access: firstParty(),
      rest: { method: "GET", path: "/users/me/identities" },
      output: z.object({
        hasPassword: z.boolean(),
        /** When the password was last set: epoch milliseconds. `null`: there is none, or nobody knows. */
        passwordSetAt: z.int().nullable(),
        identities: z.array(Identity),
      }),
    }),
    link: mutation({
      summary: "Start linking an identity; returns the URL that the browser continues at",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      input: z.object({ provider: z.string().max(100), returnTo: z.string().max(1000).default("/") }),
      output: z.object({ continueAt: z.string() }),
      errors: ["PROVIDER_NOT_FOUND"],
    }),
    unlink: mutation({
      summary: "Unlink an identity, and end the other sessions that started with it",
      access: firstParty({ maxAgeSeconds: 15 * 60 }),
      rest: { method: "DELETE", path: "/users/me/identities/{identityId}" },
      input: z.object({ identityId: Id.describe("The ID of an identity, from the list of identities") }),
      output: z.object({}),
      errors: ["IDENTITY_NOT_FOUND", "LAST_WAY_IN"],
    }),
  },
};

/** The areas of the engine's operations, with their descriptions. */
export const engineAreas = {
  auth: "Signing in and out",
  user: "The signed-in user",
  account: "Signing up, recovery, the address of an account, its export and deletion",
  factor: "The signed-in user's second factors and passkeys",
  session: "The signed-in user's sessions",
  authorization: "Authorization requests of clients",
  grant: "What the signed-in user granted to clients",
  client: "The clients that the signed-in user has registered",
  identity: "The signed-in user's identities",
} as const satisfies Record<keyof typeof engine, string>;

/**
 * The contract of an app that adds nothing, for code that works with any app.
 * @internal
 */
export const engineContract = defineContract(words, () => engine);
type DeclaredContract = typeof engineContract;
/**
 * The type of `engineContract`. An interface, so that compilers name it where they would write out a type alias.
 * @internal
 */
export interface EngineContract extends DeclaredContract {}
