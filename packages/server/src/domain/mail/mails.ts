// Owns the list of mails and the data that each one needs. Their words: `templates.ts`. To add a mail, add it here: its
// template is then missing there, and does not compile.

import type { FactorKind } from "@lockstep/kit";

/** A change of an account, or a sign-in, and where it came from. */
export interface AccountEvent {
  readonly username: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** A code to type, and the secret of the link that stands for it. */
export interface MailedProof {
  readonly code: string;
  readonly secret: string;
}

/** A second factor, as its owner knows it. */
export interface NamedFactor {
  readonly kind: FactorKind;
  readonly name: string;
}

/** Every mail, by the name of its template, with the data that the template gets: JSON values only. */
export interface Mails {
  /** To an address that somebody wants to sign up with. */
  readonly sign_up: MailedProof;
  /** To an address that has an account, when somebody wants to use it for another one. */
  readonly account_exists: { readonly username: string };
  /** To an account's owner, who signs in with a code. */
  readonly sign_in: MailedProof & { readonly username: string };
  /** To an account's owner, who lost the password. */
  readonly recovery: MailedProof & { readonly username: string };
  /** To the address that an account is to have. */
  readonly email_change: MailedProof;
  /** To an address that an operator invited. `expiresAt` is in epoch milliseconds. */
  readonly invitation: { readonly expiresAt: number };
  /** To an account's owner: the password was replaced. */
  readonly password_changed: AccountEvent;
  /** To an account's owner: the account has its first password. */
  readonly password_created: AccountEvent;
  /** To an account's owner: an administrator replaced the password. */
  readonly password_set: AccountEvent;
  readonly password_reset_required: AccountEvent;
  /**
   * To an account's old and new address. `newEmail` is `null` when the address was removed. `undoSecret` is of the link
   * that undoes the change, for the old address only.
   */
  readonly email_changed: AccountEvent & {
    readonly oldEmail: string | null;
    readonly newEmail: string | null;
    readonly undoSecret: string | null;
  };
  /** To an account's owner. `provider` is the identity provider's label. */
  readonly identity_linked: AccountEvent & { readonly provider: string };
  readonly identity_unlinked: AccountEvent & { readonly provider: string };
  /** To an account's owner: about a second factor or a passkey, by the name that they gave it. */
  readonly factor_added: AccountEvent & NamedFactor;
  readonly factor_renamed: AccountEvent & NamedFactor;
  readonly factor_removed: AccountEvent & NamedFactor;
  /** To an account's owner: an administrator removed every factor. */
  readonly factors_reset: AccountEvent;
  /** To an account's owner: an administrator removes every factor at `resetsAt` (epoch milliseconds), unless they use one. */
  readonly factors_reset_requested: AccountEvent & { readonly resetsAt: number };
  readonly factors_reset_cancelled: AccountEvent;
  readonly recovery_codes_renewed: AccountEvent;
  /** To an account's owner. `left`: how many codes have not been used. */
  readonly recovery_code_used: AccountEvent & { readonly left: number };
  /** To an account's owner: there was a sign-in from a device that showed no device token. */
  readonly new_device: AccountEvent;
  /**
   * To an account's owner: the account is deleted at `deletesAt` (epoch milliseconds). `cancelSecret` is of the link that
   * cancels it; `null`: an administrator decided it, or the address may be another person's.
   */
  readonly deletion_requested: AccountEvent & {
    readonly deletesAt: number;
    readonly byAdministrator: boolean;
    readonly cancelSecret: string | null;
  };
  /** To an account's owner: the account is not deleted after all. */
  readonly deletion_cancelled: AccountEvent;
  /** To the address of an account that was just deleted. */
  readonly account_deleted: AccountEvent;
  /** To an operator who tries the settings. */
  readonly test: object;
}

/** The name of a mail's template. */
export type MailTemplate = keyof Mails;

interface Envelope {
  /** One e-mail address, without a name. */
  readonly to: string;
  /** The account that the mail is about; the mail is deleted with it. `null`: there is none. */
  readonly userId: string | null;
  /** From when on the mail is of no use to its reader, and is not sent: epoch milliseconds. Default: never. */
  readonly expiresAt?: number;
}

/** A mail to send. */
export type Mail = {
  readonly [T in MailTemplate]: Envelope & { readonly template: T; readonly data: Mails[T] };
}[MailTemplate];

/** The content of a mail. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Whether a mail can be sent to this address: one address, without a name, comments or quotes. */
export const isMailAddress = (address: string): boolean =>
  address.length <= 254 && /^[^\s@<>()[\]\\,;:"\p{Cc}]+@[^\s@<>()[\]\\,;:"\p{Cc}]+$/u.test(address);
