// Owns the list of the page's sections. A further way to protect the account adds its section here.

import type { User } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { Ago, Mark, paths, useBackend, useLanguage, useProviders, useWords } from "../../parts.ts";
import { Section } from "./section.tsx";
import { securityWords } from "./words.tsx";

/** A `Section` of the page. */
export type SecuritySection = ComponentType<{ readonly user: User }>;

const Password = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords).password;
  const methods = useQuery(trpc.identity.list.queryOptions());
  const { hasPassword, passwordSetAt = null } = methods.data ?? {};
  const state = () => {
    if (hasPassword === false) return words.none;
    return passwordSetAt === null ? words.isSet : words.setSince(<Ago at={passwordSetAt} />);
  };
  return (
    <Section
      title={words.title}
      query={methods}
      failure={methods.error && readFailure("identity.list", methods.error)}
      link={hasPassword === undefined ? null : [paths.password, hasPassword ? words.change : words.set]}
    >
      {state()}
    </Section>
  );
};

const Email: SecuritySection = ({ user: { email, emailVerified } }) => {
  const words = useWords("security", securityWords).email;
  if (email === null) {
    return (
      <Section title={words.title} link={[paths.email, words.add]}>
        {words.none}
      </Section>
    );
  }
  return (
    <Section title={words.title} link={[paths.email, emailVerified ? words.change : words.verify]}>
      {email} {emailVerified ? <Mark>{words.verified}</Mark> : <Mark caution>{words.unverified}</Mark>}
    </Section>
  );
};

const SecondFactors = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords).secondFactors;
  const list = useQuery(trpc.factor.list.queryOptions());
  const { factors = [], recoveryCodesLeft = 0 } = list.data ?? {};
  return (
    <Section
      title={words.title}
      query={list}
      failure={list.error && readFailure("factor.list", list.error)}
      link={[paths.secondFactors, factors.length === 0 ? words.add : words.see]}
    >
      {factors.length === 0 ? words.none : words.some(factors.length, recoveryCodesLeft)}
    </Section>
  );
};

const LinkedAccounts = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords).linkedAccounts;
  const language = useLanguage();
  const providers = useProviders();
  const methods = useQuery(trpc.identity.list.queryOptions());
  const identities = methods.data?.identities ?? [];
  if (providers.length === 0 && identities.length === 0) return null;
  return (
    <Section
      title={words.title}
      query={methods}
      failure={methods.error && readFailure("identity.list", methods.error)}
      link={[paths.linkedAccounts, words.see]}
    >
      {identities.length === 0
        ? words.none
        : new Intl.ListFormat(language).format(identities.map(({ provider }) => provider.label))}
    </Section>
  );
};

const Sessions = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords).sessions;
  const list = useQuery(trpc.session.list.queryOptions());
  return (
    <Section
      title={words.title}
      query={list}
      failure={list.error && readFailure("session.list", list.error)}
      link={[paths.sessions, words.see]}
    >
      {words.others(list.data?.filter(({ current }) => !current).length ?? 0)}
    </Section>
  );
};

const Apps = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords).apps;
  const list = useQuery(trpc.grant.list.queryOptions());
  return (
    <Section
      title={words.title}
      query={list}
      failure={list.error && readFailure("grant.list", list.error)}
      link={[paths.apps, words.see]}
    >
      {words.count(list.data?.length ?? 0)}
    </Section>
  );
};

/** How people sign in to the account, and get back into it. */
export const sectionsOfSignIn: readonly SecuritySection[] = [Password, SecondFactors, Email, LinkedAccounts];

/** Where the account is in use. */
export const sectionsOfUse: readonly SecuritySection[] = [Sessions, Apps];
