// The pages that the server shows in the middle of a protocol: a device's code, signing out for an app, and
// requests that cannot be answered. Their forms go straight to it, without a call of this app.

import { brand } from "@app/contract";
import { ProtocolPage } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { session } from "../backend.ts";
import { ProviderButtons } from "../session/provider-buttons.tsx";
import { SettledSession } from "../session/settled-session.tsx";
import { SignInForm } from "../session/sign-in-form.tsx";
import { useSession } from "../session/use-session.ts";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import { durationOf } from "../words/duration.ts";
import styles from "./protocol-pages.module.css";
import { UnverifiedNotice } from "./unverified.tsx";

type Of<P extends ProtocolPage["page"]> = Extract<ProtocolPage, { page: P }>;

/** @throws when `message` is not what this app knows of: the server and this app are made together. */
export const ProtocolPages = ({ message }: { message: string }) => {
  const page = ProtocolPage.parse(JSON.parse(message));
  switch (page.page) {
    case "device_code":
      return (
        <WithSession>
          <DeviceCode page={page} />
        </WithSession>
      );
    case "device_sign_in":
      return (
        <WithSession>
          <SignInForDevice userCode={page.userCode} onSignedIn={toCode} />
        </WithSession>
      );
    case "device_wait":
      return (
        <Page
          title="Too many wrong codes"
          lead={`Wait ${durationOf(page.seconds)}, then try again. Your device's code may have changed by then.`}
          narrow
        >
          <HomeLink to="/device">Enter a code</HomeLink>
        </Page>
      );
    case "device_confirm":
      return <DeviceConfirm page={page} />;
    case "device_done":
      return (
        <Page title="You can go back to your device" lead={`${page.client.name} is connected.`} narrow>
          <HomeLink to="/apps">See what it may do</HomeLink>
        </Page>
      );
    case "device_denied":
      return (
        <Page title="The device was not connected" lead="It gets no access. You can close this page." narrow>
          <HomeLink />
        </Page>
      );
    case "sign_out":
      return <SignOutQuestion page={page} />;
    case "signed_out":
      return (
        <Page title="You have signed out" lead="You can close this page." narrow>
          <HomeLink to="/sign-in">Sign in again</HomeLink>
        </Page>
      );
    case "leave":
      return <Leave page={page} />;
    case "error":
      return <CannotAnswer page={page} />;
  }
};

const problems = {
  missing: "Enter the code that your device shows",
  unknown: "There is no such code. Compare it with the one that your device shows.",
  expired: "This code has expired. Have your device show another one.",
  used: "This code was used already. Have your device show another one.",
  failed: "This did not work. Enter the code again.",
} as const satisfies Record<NonNullable<Of<"device_code">["problem"]>, string>;

/** Asks who is signed in, which other pages of a protocol leave to the server. */
const WithSession = ({ children }: { children: ReactNode }) => {
  useEffect(() => void session.start(), []);
  return <SettledSession>{children}</SettledSession>;
};

const devicePath = (userCode: string | null) =>
  `/device${userCode ? `?${new URLSearchParams({ user_code: userCode })}` : ""}`;

/** With a code that was typed already, the server is asked about it again. */
const toCode = (userCode: string | null) => location.assign(devicePath(userCode));

/** A device is connected to an account, so whoever enters its code signs in first. */
const SignInForDevice = ({ userCode, onSignedIn }: { userCode: string | null; onSignedIn?: typeof toCode }) => {
  const now = useSession();
  useEffect(() => {
    if (now.status === "signed-in") onSignedIn?.(userCode);
  }, [now.status]);
  return (
    <Page title="Sign in" lead="to connect a device" narrow>
      <SignInForm username="" />
      <ProviderButtons returnTo={devicePath(userCode)} />
    </Page>
  );
};

const DeviceCode = ({ page }: { page: Of<"device_code"> }) => {
  const now = useSession();
  const input = useRef<HTMLInputElement>(null);
  const signedOut = now.status === "signed-out";
  useEffect(() => input.current?.select(), [signedOut]);
  if (signedOut) return <SignInForDevice userCode={page.userCode} />;
  return (
    <Page title="Connect a device" lead="Enter the code that it shows." narrow>
      <ServerForm page={page}>
        <TextInput
          ref={input}
          label="Code"
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
        <p className={styles.caution}>
          Only connect a device that you are using yourself. A code that somebody sent you would let them in to your
          account.
        </p>
        <Button type="submit" fullWidth>
          Continue
        </Button>
      </ServerForm>
    </Page>
  );
};

const DeviceConfirm = ({ page }: { page: Of<"device_confirm"> }) => (
  <Page title="Does your device show this code?" lead={`${page.client.name} waits there to be connected.`} narrow>
    <ServerForm page={page}>
      <p className={styles.code}>{page.userCode}</p>
      {!page.client.verified && <UnverifiedNotice />}
      <p className={styles.caution}>If it shows another one, or if you began this on no device of yours, stop here.</p>
      <input type="hidden" name="user_code" value={page.userCode} />
      <input type="hidden" name="confirm" value="yes" />
      <div className={styles.choices}>
        <Button type="submit" variant="default" name="abort" value="yes">
          Stop
        </Button>
        <Button type="submit">It does, continue</Button>
      </div>
    </ServerForm>
  </Page>
);

const SignOutQuestion = ({ page }: { page: Of<"sign_out"> }) => (
  <Page
    title={page.client ? `Sign out of ${brand.name} too?` : `Sign out of ${brand.name}?`}
    lead={page.client ? `${page.client.name} asks for it, as you signed out there.` : undefined}
    narrow
  >
    <ServerForm page={page}>
      <p className={styles.text}>
        If you share this device with others, sign out. Apps that are connected to your account stay connected.
      </p>
      {page.returnsTo !== null && (
        <p className={styles.text}>
          You then go on to <strong className={styles.host}>{page.returnsTo}</strong>.
        </p>
      )}
      <div className={styles.stack}>
        <Button type="submit" fullWidth name="logout" value="yes">
          {page.client ? `Sign out of ${brand.name} too` : `Sign out of ${brand.name}`}
        </Button>
        <Button type="submit" fullWidth variant="default">
          Stay signed in
        </Button>
      </div>
    </ServerForm>
  </Page>
);

const Leave = ({ page }: { page: Of<"leave"> }) => {
  const name = page.client?.name ?? "An app";
  return (
    <Page
      title={`Go on to ${page.to}?`}
      lead={
        page.refusal
          ? `${name} asked for access in a way that is not accepted. Nothing was shared with it.`
          : `You are signed out. ${name} wants you to go on to its own page.`
      }
      narrow
    >
      <div className={card.card}>
        <div className={card.fields}>
          <p className={styles.place}>{page.to}</p>
          <p className={styles.caution}>
            Nobody at this service has checked who runs this app or this address. Go on only if you know it and came
            from there just now.
          </p>
          {page.fields === null ? (
            <Button component="a" href={page.action} rel="noreferrer" fullWidth>
              Go on to {page.to}
            </Button>
          ) : (
            <form method="post" action={page.action}>
              {Object.entries(page.fields).map(([field, value]) => (
                <input key={field} type="hidden" name={field} value={value} />
              ))}
              <Button type="submit" fullWidth>
                Go on to {page.to}
              </Button>
            </form>
          )}
        </div>
      </div>
      {page.refusal && <Facts error={page.refusal.error} description={page.refusal.description} />}
      <HomeLink>Stay here</HomeLink>
    </Page>
  );
};

const CannotAnswer = ({ page: { error, description } }: { page: Of<"error"> }) => (
  <Page
    title="This request cannot be answered"
    lead="The app that sent you here asked for something in a way that is not accepted. Nothing was shared with it. Go back and try again; if that does not help, tell its makers what is written here."
    narrow
  >
    <Facts error={error} description={description} />
    <HomeLink />
  </Page>
);

const Facts = ({ error, description }: { error: string; description: string | null }) => (
  <dl className={`${card.card} ${styles.facts}`}>
    {description !== null && (
      <div>
        <dt>What is wrong</dt>
        <dd>{description}</dd>
      </div>
    )}
    <div>
      <dt>Error</dt>
      <dd>
        <code>{error}</code>
      </dd>
    </div>
  </dl>
);

/** Posts to the server, with the token by which it knows that the form is its own. Once: the answer is on its way. */
const ServerForm = ({ page, children }: { page: { action: string; token: string }; children: ReactNode }) => {
  const sent = useRef(false);
  // Whoever comes back to the page may send it again.
  useEffect(() => {
    const comeBack = () => {
      sent.current = false;
    };
    addEventListener("pageshow", comeBack);
    return () => removeEventListener("pageshow", comeBack);
  }, []);
  return (
    <form
      method="post"
      action={page.action}
      noValidate
      className={card.card}
      onSubmit={(event) => {
        if (sent.current) event.preventDefault();
        sent.current = true;
      }}
    >
      <input type="hidden" name="xsrf" value={page.token} />
      <div className={card.fields}>{children}</div>
    </form>
  );
};

/** Out of this page and into the app: a page of its own, which the server answers. */
const HomeLink = ({ to = "/", children = "Go to your account" }: { to?: string; children?: string }) => (
  <p className={styles.center}>
    <a href={to}>{children}</a>
  </p>
);
