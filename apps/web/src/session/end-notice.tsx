// Says why somebody is no longer signed in, and what they had better do about it.

import { Alert } from "@mantine/core";
import type { SessionState } from "./session.ts";

type Because = Extract<SessionState, { status: "signed-out" }>["because"];

interface Words {
  readonly title: string;
  readonly text: string;
}

const words: Readonly<Record<Exclude<Because, "not-yet" | "left" | "signed_out">, Words>> = {
  revoked: {
    title: "This session was ended",
    text: "Somebody who is signed in to your account ended it, or an administrator did. If that was not you, sign in and change your password.",
  },
  password_changed: {
    title: "The password of your account was changed",
    text: "That ended your other sessions, this one among them. Sign in with the new password. If you did not change it, tell whoever runs this service at once.",
  },
  reused: {
    title: "This session was ended to protect you",
    text: "Something used it that should not have been able to: somebody may have copied what this browser keeps of your sign-in. Sign in again, end the sessions that you do not recognise, and change your password.",
  },
  provider_signed_out: {
    title: "You have signed out at the provider",
    text: "You had signed in through it, so that ended this session as well.",
  },
  disabled: {
    title: "This account was disabled",
    text: "Nobody can sign in to it for now. Ask whoever runs this service.",
  },
  expired: {
    title: "Your session has expired",
    text: "Sessions end by themselves after a while. Sign in again to go on where you were.",
  },
  unknown: {
    title: "Your session has ended",
    text: "Sign in again to go on where you were.",
  },
};

export const EndNotice = ({ because }: { because: Because }) => {
  if (because === "not-yet") return null;
  if (because === "left") return <Alert role="status">You have signed out.</Alert>;
  if (because === "signed_out") return <Alert role="status">You have signed out in another window.</Alert>;
  const { title, text } = words[because];
  return (
    <Alert
      role={because === "reused" ? "alert" : "status"}
      color={because === "reused" ? "red" : "yellow"}
      title={title}
    >
      {text}
    </Alert>
  );
};
