// Owns the declarations of `account.*`: signing up, recovery, the address of an account, its export and deletion.

import { z } from "zod";
import {
  ChangeEmailInput,
  CheckCodeInput,
  CompleteEmailChangeInput,
  CompleteRegistrationInput,
  DeletionPreview,
  ExportInput,
  ExportPart,
  ProofLinkInput,
  RecoverInput,
  RegisterInput,
  RequestedProof,
  ResendProofInput,
  ResetPasswordInput,
} from "../accounts.ts";
import { ProofView } from "../proofs.ts";
import { LoginResult } from "../sign-in-steps.ts";
import { User } from "../users.ts";
import { admission, anyone, firstParty, mutation, query } from "./words.ts";

export const account = {
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
};
