// Connecting a device (RFC 8628): entering its code, confirming it, and the result. The forms post to the server.

import { sessionOf } from "@lockstep/client";
import { useSession } from "@lockstep/client/react";
import type { ProtocolPage } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import {
  ClientIcon,
  durationOf,
  Page,
  PageLink,
  ProviderButtons,
  paths,
  ServerForm,
  SettledSession,
  SignInForm,
  UnverifiedNotice,
  useBackend,
  useLanguage,
  useSlots,
  useWords,
} from "../../parts.ts";
import styles from "./device.module.css";
import { deviceWords } from "./words.ts";

type Of<P extends ProtocolPage["page"]> = Extract<ProtocolPage, { page: P }>;

/** The data that the server embedded in the page. */
export type DevicePageMessage = Extract<ProtocolPage, { page: `device_${string}` }>;

export const DevicePage = ({ message }: { message: DevicePageMessage }) => {
  const words = useWords("device", deviceWords);
  const language = useLanguage();
  switch (message.page) {
    case "device_code":
      return (
        <WithSession>
          <DeviceCode page={message} />
        </WithSession>
      );
    case "device_sign_in":
      return (
        <WithSession>
          <SignInForDevice userCode={message.userCode} onSignedIn={toCode} />
        </WithSession>
      );
    case "device_wait":
      return (
        <Page title={words.wait.title} lead={words.wait.lead(durationOf(message.seconds, language))} narrow>
          <PageLink to={devicePath(null)}>{words.wait.enter}</PageLink>
        </Page>
      );
    case "device_confirm":
      return <DeviceConfirm page={message} />;
    case "device_done":
      return (
        <Page title={words.done.title} lead={words.done.lead(message.client.name)} narrow>
          <PageLink to={paths.apps}>{words.done.apps}</PageLink>
        </Page>
      );
    case "device_denied":
      return (
        <Page title={words.denied.title} lead={words.denied.lead} narrow>
          <PageLink to={paths.account}>{words.denied.home}</PageLink>
        </Page>
      );
  }
};

/** Restores the session, which protocol pages do not do automatically. */
const WithSession = ({ children }: { children: ReactNode }) => {
  const { client } = useBackend();
  useEffect(() => {
    // The state of the session shows the result.
    sessionOf(client)
      .restore()
      .catch(() => {});
  }, [client]);
  return <SettledSession>{children}</SettledSession>;
};

const devicePath = (userCode: string | null) =>
  `/device${userCode ? `?${new URLSearchParams({ user_code: userCode })}` : ""}`;

/** If a code was already typed, ask the server about it again. */
const toCode = (userCode: string | null) => location.assign(devicePath(userCode));

/** A device is connected to an account: sign in first. */
const SignInForDevice = ({ userCode, onSignedIn }: { userCode: string | null; onSignedIn?: typeof toCode }) => {
  const { signIn: words } = useWords("device", deviceWords);
  const { status } = useSession();
  useEffect(() => {
    if (status === "signedIn") onSignedIn?.(userCode);
  }, [status]);
  return (
    <Page title={words.title} lead={words.lead} narrow>
      <SignInForm>
        <ProviderButtons returnTo={devicePath(userCode)} />
      </SignInForm>
    </Page>
  );
};

const DeviceCode = ({ page }: { page: Of<"device_code"> }) => {
  const { enter: words, problems } = useWords("device", deviceWords);
  const slots = useSlots("device");
  const input = useRef<HTMLInputElement>(null);
  const signedOut = useSession().status === "signedOut";
  useEffect(() => input.current?.select(), [signedOut]);
  if (signedOut) return <SignInForDevice userCode={page.userCode} />;
  return (
    <Page title={words.title} lead={words.lead} narrow>
      {slots.above && <slots.above />}
      <ServerForm page={page}>
        <TextInput
          ref={input}
          label={words.code}
          name="user_code"
          required
          defaultValue={page.userCode ?? ""}
          error={page.problem && problems[page.problem]}
          autoComplete="off"
          autoCapitalize="characters"
          autoCorrect="off"
          spellCheck={false}
          classNames={{ input: styles.codeInput ?? "" }}
        />
        <p className={styles.caution}>{words.caution}</p>
        <Button type="submit" fullWidth>
          {words.continue}
        </Button>
      </ServerForm>
      {slots.below && <slots.below />}
    </Page>
  );
};

const DeviceConfirm = ({ page }: { page: Of<"device_confirm"> }) => {
  const { confirm: words } = useWords("device", deviceWords);
  return (
    <Page title={words.title} lead={words.lead(page.client.name)} icon={<ClientIcon />} narrow>
      <ServerForm page={page}>
        <p className={styles.code}>{page.userCode}</p>
        {!page.client.verified && <UnverifiedNotice />}
        <p className={styles.caution}>{words.caution}</p>
        <input type="hidden" name="user_code" value={page.userCode} />
        <input type="hidden" name="confirm" value="yes" />
        <div className={styles.choices}>
          <Button type="submit" variant="default" name="abort" value="yes">
            {words.stop}
          </Button>
          <Button type="submit">{words.continue}</Button>
        </div>
      </ServerForm>
    </Page>
  );
};
