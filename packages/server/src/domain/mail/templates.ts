// Owns the words of every mail, and how an app replaces them one by one. Plain functions: an app that wants React or
// another renderer calls it in its own template.

import type { Brand } from "@lockstep/kit";
import { layOut, type MailPart } from "./layout.ts";
import type { AccountEvent, Mail, MailContent, MailedProof, Mails, MailTemplate, NamedFactor } from "./mails.ts";

/** What a template gets besides the mail's data. */
export interface MailTools {
  readonly brand: Brand;
  /** The address of a page of the web app: `link("/sessions")`. Always below `PUBLIC_URL`. */
  link(path: `/${string}`): string;
  /** A mail in the look of all others, as text and as HTML. */
  layOut(words: { readonly subject: string; readonly parts: readonly MailPart[] }): MailContent;
}

/** The templates of all mails. */
export type MailTemplates = {
  readonly [T in MailTemplate]: (data: Mails[T], tools: MailTools) => MailContent | Promise<MailContent>;
};

/** Written when the mail is sent, for readers in any time zone: `27 November 2026, 14:30 UTC`. */
const instant = (at: number): string =>
  new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" })
    .format(at)
    .replace(" at ", ", ")
    .concat(" UTC");

/** Where an event came from, in text of bounded length without characters that change how the rest is shown. */
const factsOf = ({ username, at, address, userAgent }: AccountEvent): MailPart => ({
  facts: {
    Account: username,
    Time: instant(at),
    ...(address !== null && { "IP address": address }),
    ...(userAgent !== null && { Device: userAgent.replace(/[\p{C}\p{Z}]+/gu, " ").slice(0, 200) }),
  },
});

const notYou = ({ link }: MailTools, advice: string): MailPart[] => [
  `If you did this, there is nothing to do. If you did not, ${advice}`,
  { link: link("/password"), label: "Change your password" },
  { link: link("/sessions"), label: "See where you are signed in" },
];

const factorWord = ({ kind }: NamedFactor): string => (kind === "passkey" ? "passkey" : "authenticator app");

const codesLeft = (left: number): string => {
  if (left === 0) return "It was the last one: make new ones.";
  return left === 1 ? "One is left: make new ones soon." : `${left} are left.`;
};

const changeAtOnce =
  "somebody else can get into your account: change your password, and end the sessions that you do not know.";

/** Codes are read in two groups: `BCDF-GHJK`. */
const proofParts = ({ code, secret }: MailedProof, { link }: MailTools, label: string): MailPart[] => [
  { code: `${code.slice(0, 4)}-${code.slice(4)}` },
  { link: link(`/proof#${secret}`), label },
  "The code works for ten minutes, in the browser where you asked for it.",
];

const notAsked = "If you did not ask for this, there is nothing to do. Do not give the code to anybody.";

export const defaultTemplates: MailTemplates = {
  sign_up: (proof, tools) =>
    tools.layOut({
      subject: `Your code to sign up at ${tools.brand.name}`,
      parts: ["Enter this code to create your account:", ...proofParts(proof, tools, "Create your account"), notAsked],
    }),
  account_exists: ({ username }, tools) =>
    tools.layOut({
      subject: `You already have an account at ${tools.brand.name}`,
      parts: [
        "Somebody tried to create an account with your address, or to add it to one. You already have an account with it, so nothing was changed.",
        { facts: { Account: username } },
        "If it was you, sign in. If you do not know the password, set a new one:",
        { link: tools.link("/recover"), label: "Recover your account" },
        "If it was not you, there is nothing to do.",
      ],
    }),
  sign_in: ({ username, ...proof }, tools) =>
    tools.layOut({
      subject: `Your code to sign in at ${tools.brand.name}`,
      parts: [
        "Enter this code to sign in:",
        ...proofParts(proof, tools, "Sign in"),
        { facts: { Account: username } },
        "If you did not ask for this, there is nothing to do. Do not give the code to anybody: whoever has it can sign in to your account.",
      ],
    }),
  recovery: ({ username, ...proof }, tools) =>
    tools.layOut({
      subject: `Your code to recover your ${tools.brand.name} account`,
      parts: [
        "Enter this code to set a new password:",
        ...proofParts(proof, tools, "Set a new password"),
        { facts: { Account: username } },
        notAsked,
      ],
    }),
  email_change: (proof, tools) =>
    tools.layOut({
      subject: `Your code to use this address at ${tools.brand.name}`,
      parts: [
        "Enter this code to use this e-mail address for your account:",
        ...proofParts(proof, tools, "Use this address"),
        notAsked,
      ],
    }),
  invitation: ({ expiresAt }, tools) =>
    tools.layOut({
      subject: `You are invited to ${tools.brand.name}`,
      parts: [
        `You can create an account at ${tools.brand.name} with this e-mail address.`,
        { link: tools.link("/sign-up"), label: "Create your account" },
        `The invitation ends on ${instant(expiresAt)}.`,
      ],
    }),
  password_changed: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} password was changed`,
      parts: ["The password of your account was changed.", factsOf(event), ...notYou(tools, changeAtOnce)],
    }),
  password_created: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account has a password now`,
      parts: [
        "Your account had no password. It has one now, which can be used to sign in.",
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  password_set: (event, tools) =>
    tools.layOut({
      subject: `An administrator set a new ${tools.brand.name} password for you`,
      parts: [
        "An administrator set a new password for your account. You were signed out everywhere, and apps lost their access.",
        factsOf(event),
        "If you did not ask for this, ask your administrator. When you sign in with the new password, replace it with one that only you know.",
        { link: tools.link("/password"), label: "Change your password" },
      ],
    }),
  password_reset_required: (event, tools) =>
    tools.layOut({
      subject: `Set a new ${tools.brand.name} password`,
      parts: [
        "An administrator asks you to set a new password. The earlier one no longer works. You were signed out everywhere, and apps lost their access.",
        factsOf(event),
        { link: tools.link("/recover"), label: "Set a new password" },
      ],
    }),
  email_changed: (event, tools) =>
    tools.layOut({
      subject: `The e-mail address of your ${tools.brand.name} account was changed`,
      parts: [
        event.newEmail === null
          ? "The e-mail address was removed from your account. You sign in with your username."
          : "The e-mail address of your account was changed. You sign in with the new one, or with your username.",
        factsOf(event),
        { facts: { "Old address": event.oldEmail ?? "none", "New address": event.newEmail ?? "none" } },
        ...(event.undoSecret === null
          ? notYou(tools, changeAtOnce)
          : [
              "If you did this, there is nothing to do. If you did not, undo it within seven days. That ends every session and removes the password; then set a new one.",
              { link: tools.link(`/proof#${event.undoSecret}`), label: "Undo the change" },
            ]),
      ],
    }),
  identity_linked: (event, tools) =>
    tools.layOut({
      subject: `${event.provider} can sign in to your ${tools.brand.name} account`,
      parts: [
        `An account at ${event.provider} was linked to yours. Whoever signs in there can sign in here.`,
        factsOf(event),
        ...notYou(tools, "unlink it, change your password, and end the sessions that you do not know."),
        { link: tools.link("/linked-accounts"), label: "See linked accounts" },
      ],
    }),
  identity_unlinked: (event, tools) =>
    tools.layOut({
      subject: `${event.provider} was unlinked from your ${tools.brand.name} account`,
      parts: [
        `An account at ${event.provider} was unlinked from yours. It can no longer be used to sign in here.`,
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  factor_added: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account has a new ${factorWord(event)}`,
      parts: [
        `The ${factorWord(event)} ${event.name} was added to your account. It can be used to sign in.`,
        factsOf(event),
        ...notYou(tools, `${changeAtOnce} Then remove it.`),
      ],
    }),
  factor_renamed: (event, tools) =>
    tools.layOut({
      subject: `A ${factorWord(event)} of your ${tools.brand.name} account was renamed`,
      parts: [
        `A ${factorWord(event)} of your account has the name ${event.name} now.`,
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  factor_removed: (event, tools) =>
    tools.layOut({
      subject: `A ${factorWord(event)} was removed from your ${tools.brand.name} account`,
      parts: [
        `The ${factorWord(event)} ${event.name} was removed from your account. It can no longer be used to sign in.`,
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  factors_reset: (event, tools) =>
    tools.layOut({
      subject: `An administrator removed the second factors of your ${tools.brand.name} account`,
      parts: [
        "An administrator removed every authenticator app and passkey of your account, and its recovery codes. You were signed out everywhere.",
        factsOf(event),
        "If you did not ask for this, ask your administrator. When you have signed in, add a second factor again.",
        { link: tools.link("/sign-in"), label: "Sign in" },
      ],
    }),
  factors_reset_requested: (event, tools) =>
    tools.layOut({
      subject: `The second factors of your ${tools.brand.name} account will be removed`,
      parts: [
        `An administrator will remove every authenticator app and passkey of your account, and its recovery codes, on ${instant(event.resetsAt)}. After that you sign in without them.`,
        factsOf(event),
        "If you still have one of them, sign in with it before then. That stops the removal. If you are signed in, the security page shows how to stop it.",
        { link: tools.link("/sign-in"), label: "Sign in" },
        "If you did not ask for this, tell your administrator at once.",
      ],
    }),
  factors_reset_cancelled: (event, tools) =>
    tools.layOut({
      subject: `The second factors of your ${tools.brand.name} account stay`,
      parts: [
        "The authenticator apps, passkeys and recovery codes of your account are not removed after all. Somebody signed in with one of them or stopped the removal on the security page, or an administrator stopped it.",
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  recovery_codes_renewed: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account has new recovery codes`,
      parts: [
        "New recovery codes were made for your account. The old ones no longer work.",
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  recovery_code_used: (event, tools) =>
    tools.layOut({
      subject: `A recovery code of your ${tools.brand.name} account was used`,
      parts: [
        `A recovery code was used in place of your second factor. ${codesLeft(event.left)}`,
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  new_device: (event, tools) =>
    tools.layOut({
      subject: `New sign-in to your ${tools.brand.name} account`,
      parts: [
        "There was a sign-in to your account from a new device or browser.",
        factsOf(event),
        ...notYou(tools, changeAtOnce),
      ],
    }),
  deletion_requested: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account will be deleted`,
      parts: [
        event.byAdministrator
          ? `An administrator is deleting your account, with everything in it, on ${instant(event.deletesAt)}. Until then nobody can use it.`
          : `Your account will be deleted, with everything in it, on ${instant(event.deletesAt)}. Until then nobody can use it.`,
        factsOf(event),
        ...(event.byAdministrator
          ? ["If you do not agree, ask your administrator."]
          : ["If you want to keep the account, cancel the deletion before that day."]),
        ...(event.cancelSecret === null
          ? []
          : [{ link: tools.link(`/proof#${event.cancelSecret}`), label: "Keep the account" }]),
        ...(event.byAdministrator
          ? []
          : [
              "If you did not ask for this, somebody else can get into your account: keep it, then set a new password.",
              { link: tools.link("/recover"), label: "Set a new password" },
            ]),
      ],
    }),
  deletion_cancelled: (event, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account stays`,
      parts: [
        "Your account is not deleted after all. You were signed out everywhere, and apps lost their access.",
        factsOf(event),
        "If you did not ask for the deletion, somebody else can get into your account: set a new password.",
        { link: tools.link("/recover"), label: "Set a new password" },
      ],
    }),
  account_deleted: ({ username, at }, tools) =>
    tools.layOut({
      subject: `Your ${tools.brand.name} account was deleted`,
      parts: [
        "Your account was deleted, with everything in it. This is the last mail about it.",
        { facts: { Account: username, Time: instant(at) } },
      ],
    }),
  test: (_, tools) =>
    tools.layOut({
      subject: `Test mail from ${tools.brand.name}`,
      parts: ["Mail works: this test reached you.", { link: tools.link("/"), label: `Open ${tools.brand.name}` }],
    }),
};

export type RenderMail = ReturnType<typeof createRenderMail>;

/** Renders mails with the app's templates, and with the default ones where it has none. */
export const createRenderMail = ({
  brand,
  publicUrl,
  templates,
}: {
  brand: Brand;
  publicUrl: string;
  templates: Partial<MailTemplates>;
}) => {
  const all: MailTemplates = { ...defaultTemplates, ...templates };
  const tools: MailTools = {
    brand,
    link: (path) => publicUrl + path,
    layOut: (words) => layOut(words, brand),
  };
  return async ({ template, data }: Mail): Promise<MailContent> => {
    const content = await all[template](data as never, tools); // `Mail` pairs each template with its data
    return { ...content, subject: content.subject.replace(/[\p{C}\p{Z}]+/gu, " ").trim() };
  };
};
