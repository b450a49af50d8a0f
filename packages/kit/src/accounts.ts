// Owns the shapes of what works with a code that is sent by mail: signing up, recovering an account, changing its address,
// and signing in without a password.

import { z } from "zod";
import { Id } from "./ids.ts";
import { PersonName } from "./names.ts";
import { ProofCode } from "./proofs.ts";
import { ChallengeSolution, LoginInput } from "./sign-in.ts";
import { EmailAddress, Password, Username } from "./users.ts";

const asking = {
  transport: z
    .enum(["body", "cookie"])
    .default("body")
    .describe("How the asker is recognised afterwards: by a cookie, or by the secret `proofId`"),
};

const admitted = { ...asking, solution: ChallengeSolution.optional() };

const ProofId = Id.describe("The ID that the request for the code returned");

/** The answer to a request for a proof. It is the same whether there is an account or not. */
export const RequestedProof = z.object({ proofId: z.string() });
export type RequestedProof = z.infer<typeof RequestedProof>;

/** The input of `account.register`. */
export const RegisterInput = z.object({ email: EmailAddress, ...admitted });
export type RegisterInput = z.infer<typeof RegisterInput>;

/** The input of `account.completeRegistration`. */
export const CompleteRegistrationInput = z.object({
  proofId: ProofId,
  code: ProofCode,
  /** Default: one that is made from the name. */
  username: Username.optional(),
  fullName: PersonName,
  password: Password,
  transport: LoginInput.shape.transport,
});
export type CompleteRegistrationInput = z.infer<typeof CompleteRegistrationInput>;

/** The input of `account.recover`. */
export const RecoverInput = z.object({ login: LoginInput.shape.username, ...admitted });
export type RecoverInput = z.infer<typeof RecoverInput>;

/** The input of `account.resetPassword`. */
export const ResetPasswordInput = z.object({
  proofId: ProofId,
  code: ProofCode,
  newPassword: Password,
  transport: z.enum(["body", "cookie"]).default("body").describe("How the device token is sent"),
});
export type ResetPasswordInput = z.infer<typeof ResetPasswordInput>;

/** The input of `account.changeEmail`. */
export const ChangeEmailInput = z.object({ email: EmailAddress, ...asking });
export type ChangeEmailInput = z.infer<typeof ChangeEmailInput>;

/** The input of `account.completeEmailChange`. */
export const CompleteEmailChangeInput = z.object({ proofId: ProofId, code: ProofCode });
export type CompleteEmailChangeInput = z.infer<typeof CompleteEmailChangeInput>;

/** The input of `auth.requestSignInCode`. */
export const RequestSignInCodeInput = z.object({ login: LoginInput.shape.username, ...admitted });
export type RequestSignInCodeInput = z.infer<typeof RequestSignInCodeInput>;

/** The input of `auth.loginWithCode`. */
export const LoginWithCodeInput = z.object({
  proofId: ProofId,
  code: ProofCode,
  ...LoginInput.pick({ transport: true, deviceToken: true }).shape,
});
export type LoginWithCodeInput = z.infer<typeof LoginWithCodeInput>;

/** The input of `account.checkCode`. */
export const CheckCodeInput = z.object({ proofId: ProofId, code: ProofCode });
export type CheckCodeInput = z.infer<typeof CheckCodeInput>;

/** The input of `account.resendProof`. */
export const ResendProofInput = z.object({ proofId: ProofId });
export type ResendProofInput = z.infer<typeof ResendProofInput>;

/** The input of `account.readProof`, `account.undoEmailChange` and `account.cancelDeletion`: what follows the `#` of the link. */
export const ProofLinkInput = z.object({ secret: Id });
export type ProofLinkInput = z.infer<typeof ProofLinkInput>;

/** What a deletion of the account would do, as `account.previewDeletion` answers it. */
export const DeletionPreview = z.object({
  /** When the account would be deleted: epoch milliseconds. */
  deletesAt: z.int(),
  /** Whether the user has to stay, because there is no other administrator. */
  lastAdministrator: z.boolean(),
});
export type DeletionPreview = z.infer<typeof DeletionPreview>;

/** The input of `account.export`. */
export const ExportInput = z.object({
  cursor: z.string().max(4000).optional().describe("`next` of the part before. Absent: the first part"),
});
export type ExportInput = z.infer<typeof ExportInput>;

/** A part of an export. */
export const ExportPart = z.object({
  exportedAt: z.string().describe("When the export began: ISO 8601"),
  tables: z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .describe("Rows by table, without secrets, with times in ISO 8601. A table can continue in the next part"),
  next: z.string().nullable().describe("The `cursor` of the next part. `null`: this is the last one"),
});
export type ExportPart = z.infer<typeof ExportPart>;

/** Who may sign up: anybody, invited addresses, or nobody. */
export const SignUpPolicy = z.enum(["open", "invited", "off"], { error: "must be open, invited or off" });
export type SignUpPolicy = z.infer<typeof SignUpPolicy>;
