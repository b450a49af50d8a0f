// Composes the domain: creates each of its parts once, in the order of their dependencies.

import type { Kysely } from "kysely";
import { createDpopNonces } from "./authorization-server/dpop-nonces.ts";
import { registrationFormat } from "./authorization-server/registrations.ts";
import type { Db } from "./db/database.ts";
import { createNews } from "./db/news.ts";
import { truncateLargeLog } from "./db/sqlite-log.ts";
import { createAccounts } from "./domain/accounts/accounts.ts";
import { createCodeSignIn } from "./domain/accounts/code-sign-in.ts";
import { createDataExport } from "./domain/accounts/data-export.ts";
import { createDeletions } from "./domain/accounts/deletion.ts";
import { createEmailChanges } from "./domain/accounts/email-change.ts";
import { createHashingQueue } from "./domain/accounts/hashing-queue.ts";
import { createPasswordChange } from "./domain/accounts/password-change.ts";
import { createPasswordPolicy } from "./domain/accounts/password-policy.ts";
import { createPasswords } from "./domain/accounts/passwords.ts";
import { createPersonalDataMap } from "./domain/accounts/personal-data.ts";
import { createProofRequests } from "./domain/accounts/proof-requests.ts";
import { createProofs } from "./domain/accounts/proofs.ts";
import { createRecovery } from "./domain/accounts/recovery.ts";
import { createRegistrations } from "./domain/accounts/registration.ts";
import { createSignUpRules } from "./domain/accounts/sign-up-rules.ts";
import { createUsernames } from "./domain/accounts/usernames.ts";
import { createUsers } from "./domain/accounts/users.ts";
import { createAdmission } from "./domain/admission/admission.ts";
import { createAttemptRates } from "./domain/admission/attempt-rates.ts";
import { createChallenges } from "./domain/admission/challenges.ts";
import { createClients } from "./domain/clients/clients.ts";
import { createGrants } from "./domain/clients/grants.ts";
import { createOAuthRecords } from "./domain/clients/oauth-records.ts";
import { createEnrolments } from "./domain/factors/enrolments.ts";
import { createFactorPolicy } from "./domain/factors/factor-policy.ts";
import { createFactorSignIn } from "./domain/factors/factor-sign-in.ts";
import { createFactors } from "./domain/factors/factors.ts";
import { createPasskeys } from "./domain/factors/passkeys.ts";
import { createRecoveryCodes } from "./domain/factors/recovery-codes.ts";
import { createSecondFactors } from "./domain/factors/second-factors.ts";
import { createSignInChallenges } from "./domain/factors/sign-in-challenges.ts";
import { createTotp } from "./domain/factors/totp.ts";
import { createTrustedDevices } from "./domain/factors/trusted-devices.ts";
import { createIdentities } from "./domain/identities/identities.ts";
import { createIdentitySignIn } from "./domain/identities/identity-sign-in.ts";
import { createLinkTickets } from "./domain/identities/link-tickets.ts";
import { createAnonymousEntries } from "./domain/kernel/anonymous-entries.ts";
import { createAppAudit, createAudit, type NewAuditEntry } from "./domain/kernel/audit.ts";
import { createClock } from "./domain/kernel/clock.ts";
import { randomId } from "./domain/kernel/environment.ts";
import { createSealed } from "./domain/kernel/sealed.ts";
import { createSecrets } from "./domain/kernel/secrets.ts";
import { createSpentIds } from "./domain/kernel/spent-ids.ts";
import { createThrottle } from "./domain/kernel/throttle.ts";
import { createUpkeep } from "./domain/kernel/upkeep.ts";
import { parallelMails } from "./domain/mail/dispatcher.ts";
import { createMessages } from "./domain/mail/messages.ts";
import { createNotices } from "./domain/mail/notices.ts";
import { connectBySmtp, type ObserveSending } from "./domain/mail/smtp.ts";
import { createRenderMail } from "./domain/mail/templates.ts";
import { createDevices } from "./domain/sessions/devices.ts";
import { createSessionEvents } from "./domain/sessions/session-events.ts";
import { createSessions } from "./domain/sessions/sessions.ts";
import { createSignIn } from "./domain/sessions/sign-in.ts";
import { createWatchSessions } from "./domain/sessions/watch-sessions.ts";
import { createDpop } from "./domain/tokens/dpop.ts";
import { createGuard } from "./domain/tokens/guard.ts";
import { createKeyring } from "./domain/tokens/keyring.ts";
import { createScopes } from "./domain/tokens/scopes.ts";
import { createTokens, idTokenLifetimeSeconds } from "./domain/tokens/tokens.ts";
import { createVerifiedTokens } from "./domain/tokens/verified-tokens.ts";
import type { ServerOptions } from "./server.ts";
import { createServerNews } from "./server-news.ts";
import { realWorld } from "./world.ts";

export type Domain = Awaited<ReturnType<typeof createDomain>>;

/** Who is told what happens in the domain. */
export interface DomainObservers {
  readonly onAudit?: ((entry: NewAuditEntry) => void) | undefined;
  /** Called with a number of rows that clean-up has deleted. */
  readonly onDeleted?: ((rows: number) => void) | undefined;
  readonly observeSending?: ObserveSending | undefined;
}

/** Everything below the transports. The admin commands use it too. */
export const createDomain = async (
  db: Db,
  {
    app: { brand, contract, migrations = [], mails = {}, hooks = {} },
    config,
    world = realWorld,
  }: Pick<ServerOptions, "app" | "config" | "world">,
  closing: AbortSignal = new AbortController().signal,
  { onAudit, onDeleted, observeSending }: DomainObservers = {},
) => {
  const { random, fetch } = world;
  const clock = await createClock({ machineNow: world.now, readSharedTime: () => world.databaseTime(db) });
  const { now } = clock;
  const secrets = createSecrets(config.secret, config.previousSecrets);
  const audit = createAudit({ db, now, random, onEntry: onAudit });
  const events = createSessionEvents();
  const news = createNews({ db, now, newId: () => randomId(random) });
  const serverNews = createServerNews({ news, events });
  const scopes = createScopes(contract.scopes);
  const users = createUsers({ db, now, random });
  const policy = createFactorPolicy({ settings: config.secondFactor, roles: contract.roles, now });
  const limits = config.sessionLimits;
  const sessions = createSessions({ db, now, random, secrets, audit, events, limits, policy });
  const watchSessions = createWatchSessions({ sessions, events, closing, isInformed: news.isInformed });
  const hashingQueue = createHashingQueue(world.hashingThreads);
  const passwords = createPasswords({
    cost: config.bcryptCost,
    pepper: config.pepper,
    previousPeppers: config.previousPeppers,
    queue: hashingQueue,
  });
  const passwordPolicy = createPasswordPolicy({
    breachedPasswordsUrl: config.breachedPasswordsUrl,
    fetch,
    contextWords: [brand.name.toLowerCase(), ...new URL(config.publicUrl).hostname.split(".")],
  });
  const keyring = await createKeyring({
    db,
    now,
    secrets,
    audit,
    tokenLifetimeSeconds: idTokenLifetimeSeconds,
    onChange: serverNews.tellKeysChanged,
  });
  const tokens = createTokens({ keyring, issuer: config.publicUrl, now, random });
  const spentIds = createSpentIds({ db, now });
  const oauthRecords = createOAuthRecords({ db, now, secrets });
  const throttle = createThrottle({ db, now, secrets });
  const anonymousEntries = createAnonymousEntries(throttle);
  const clients = createClients({
    db,
    now,
    random,
    spentIds,
    audit,
    anonymousEntries,
    productName: brand.name,
    scopes,
    registrations: registrationFormat,
  });
  const admission = createAdmission({
    hook: hooks.admit,
    tools: { db: db as unknown as Kysely<object>, now, random, audit: createAppAudit(audit) },
    limitMs: world.hookLimitMs,
    setting: config.challenge,
    challenges: createChallenges({ now, secrets, spentIds, cost: world.challengeCost }),
    rates: createAttemptRates({ now }),
  });
  const { lifetimeSeconds } = config.sessionLimits;
  const grants = createGrants({ db, now, clients, scopes, audit, records: oauthRecords, spentIds, lifetimeSeconds });
  const verifiedTokens = createVerifiedTokens({ tokens, keyring, now });
  const guard = createGuard({
    tokens: verifiedTokens,
    sessions,
    grants,
    clients,
    dpop: createDpop({ spentIds, nonces: createDpopNonces(secrets), now }),
    now,
    roles: contract.roles,
  });
  const sealed = createSealed({ secrets, now });
  const messages = createMessages({
    db,
    now,
    random,
    secrets,
    sealed,
    throttle,
    audit,
    on: config.mail.on,
    keepSent: config.mail.server === null,
  });
  const renderMail = createRenderMail({ brand, publicUrl: config.publicUrl, templates: mails });
  const { server, from } = config.mail;
  /** `null`: mails are caught. */
  const connectToMailServer = server
    ? connectBySmtp({ server, from, brand, connections: parallelMails, observe: observeSending })
    : null;
  const notices = createNotices({ messages, users, spentIds, now });
  const devices = createDevices({ secrets, random, now });
  const proofs = createProofs({ db, now, random, secrets });
  const { trustedDeviceSeconds, passkeyOrigins: relatedOrigins } = config;
  const trustedDevices = createTrustedDevices({ db, now, random, lifetimeSeconds: trustedDeviceSeconds });
  const productName = brand.name;
  const { publicUrl } = config;
  const passkeys = createPasskeys({ db, now, random, sealed, spentIds, publicUrl, relatedOrigins, productName });
  const signInChallenges = createSignInChallenges({ random, sealed, policy, passkeys, trustedDevices });
  const map = await createPersonalDataMap({ db, migrations, audit, throttle, messages, proofs });
  const deletions = createDeletions({
    db,
    now,
    random,
    users,
    sessions,
    grants,
    proofs,
    notices,
    throttle,
    audit,
    map,
    days: config.deletionDays,
    roles: contract.roles,
    emptyLog: () => truncateLargeLog(db, 0),
  });
  const dataExport = createDataExport({ db, now, sealed, audit, map });
  const signIn = createSignIn({
    db,
    users,
    passwords,
    proofs,
    sessions,
    tokens,
    throttle,
    devices,
    audit,
    notices,
    signInChallenges,
    now,
    deletions,
    scopes,
  });
  const totp = createTotp({ db, now, random, secrets, issuer: productName });
  const recoveryCodes = createRecoveryCodes({ db, now, random, users, passwords, audit, notices });
  const secondFactors = createSecondFactors({ totp, recoveryCodes, passkeys });
  const factors = createFactors({
    db,
    now,
    random,
    users,
    sessions,
    policy,
    recoveryCodes,
    trustedDevices,
    audit,
    notices,
    resetWaitSeconds: config.factorResetWaitSeconds,
  });
  const enrolments = createEnrolments({ now, random, sealed, spentIds, factors, totp, passkeys });
  const accounts = createAccounts({ db, users, sessions, grants, deletions, audit });
  const identities = createIdentities({
    db,
    now,
    random,
    users,
    sessions,
    sealed,
    audit,
    notices,
    providers: config.providers,
  });
  const passwordChange = createPasswordChange({
    db,
    now,
    users,
    passwords,
    passwordPolicy,
    sessions,
    grants,
    identities,
    factors,
    signIn,
    audit,
    events,
    notices,
  });
  const usernames = createUsernames({ db, random, productName: brand.name });
  const signUpRules = createSignUpRules({ db, now, settings: config.signUp, messages, audit });
  const proofRequests = createProofRequests({ db, now, random, proofs, messages, throttle });
  const registrations = createRegistrations({
    db,
    users,
    usernames,
    accounts,
    passwords,
    passwordPolicy,
    proofs,
    proofRequests,
    signUpRules,
    signIn,
    throttle,
    now,
  });
  const recovery = createRecovery({
    db,
    users,
    passwords,
    passwordPolicy,
    proofs,
    proofRequests,
    sessions,
    grants,
    identities,
    devices,
    notices,
    audit,
    events,
  });
  const codeSignIn = createCodeSignIn({
    db,
    on: config.signInCode && messages.on,
    users,
    proofs,
    proofRequests,
    signIn,
    devices,
    throttle,
    notices,
    audit,
    now,
  });
  const emailChanges = createEmailChanges({
    db,
    users,
    accounts,
    proofs,
    proofRequests,
    sessions,
    grants,
    identities,
    factors,
    deletions,
    notices,
    audit,
  });
  const identitySignIn = createIdentitySignIn({
    db,
    admission,
    users,
    usernames,
    accounts,
    signUpRules,
    identities,
    sessions,
    signIn,
    devices,
    deletions,
    notices,
  });
  const factorSignIn = createFactorSignIn({
    db,
    now,
    users,
    sessions,
    signIn,
    signInChallenges,
    secondFactors,
    passkeys,
    enrolments,
    factors,
    trustedDevices,
    identities,
    devices,
    throttle,
    spentIds,
    anonymousEntries,
    audit,
    notices,
  });
  const linkTickets = createLinkTickets({ sealed });
  const upkeep = createUpkeep({
    clock,
    keyring,
    deletions: [
      sessions.deleteExpired,
      throttle.deleteForgotten,
      grants.deleteExpired,
      oauthRecords.deleteExpired,
      spentIds.deleteExpired,
      clients.deleteUnused,
      messages.deleteOld,
      proofs.deleteExpired,
      signUpRules.deleteExpired,
      news.deleteOld,
      trustedDevices.deleteExpired,
      (limit) => factors.resetDue(limit),
      // Last: it may fail because of a table of the app.
      deletions.deleteDue,
    ],
    shrinkFiles: () => truncateLargeLog(db),
    onDeleted,
  });
  return {
    clock,
    scopes,
    secrets,
    users,
    events,
    news,
    serverNews,
    sessions,
    watchSessions,
    hashingQueue,
    passwords,
    passwordPolicy,
    passwordChange,
    accounts,
    proofs,
    registrations,
    recovery,
    codeSignIn,
    emailChanges,
    deletions,
    dataExport,
    signUpRules,
    keyring,
    tokens,
    guard,
    throttle,
    anonymousEntries,
    admission,
    signIn,
    clients,
    grants,
    oauthRecords,
    spentIds,
    sealed,
    devices,
    messages,
    notices,
    renderMail,
    connectToMailServer,
    identities,
    identitySignIn,
    factors,
    factorSignIn,
    factorPolicy: policy,
    totp,
    recoveryCodes,
    passkeys,
    trustedDevices,
    signInChallenges,
    linkTickets,
    audit,
    upkeep,
  };
};
