// Owns the declarations of `auth.*`: signing in and out.

import { z } from "zod";
import { LoginWithCodeInput, RequestedProof, RequestSignInCodeInput, SignUpPolicy } from "../accounts.ts";
import { CompleteEnrolmentInput, Enrolment, PasskeyOptions } from "../factors.ts";
import { Provider } from "../identities.ts";
import { AccessTokenResult, LoginInput, RefreshInput, RefreshResult } from "../sign-in.ts";
import {
  BeginEnrolmentInput,
  CompleteLoginInput,
  LoginResult,
  PasskeyLoginInput,
  SignedIn,
  StepUpInput,
} from "../sign-in-steps.ts";
import { admission, anyone, firstParty, fromPages, mutation, query } from "./words.ts";

export const auth = {
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
    errors: ["FACTOR_REFUSED", "CHALLENGE_EXPIRED", "PASSKEYS_OFF", "TOO_MANY_ATTEMPTS", "OVERLOADED", ...fromPages],
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
      "PASSKEYS_OFF",
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
};
