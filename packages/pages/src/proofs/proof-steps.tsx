// The steps of a page that asks for a proof, up to the one that asks for the code: whether the server has what the page is
// for, the form that asks for the proof, and why a proof was refused.

import type { ReactNode } from "react";
import { useBackend } from "../app/context.ts";
import type { AroundSlots } from "../app/slots.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { OneMoment } from "../layout/one-moment.tsx";
import { Page } from "../layout/page.tsx";
import { useSignInMethods } from "../session/sign-in-methods.ts";
import type { AskedProof, ProofFlow } from "./proof-flow.ts";
import { ProofRefused } from "./proof-refused.tsx";
import styles from "./proofs.module.css";

/** The ways to sign in, to sign up and to recover an account, as the server answered. */
type Methods = NonNullable<ReturnType<typeof useSignInMethods>["data"]>;

/** The props of `ProofSteps`. */
export interface ProofStepsProps {
  readonly flow: ProofFlow;
  readonly title: string;
  readonly lead: (methods: Methods) => ReactNode;
  /** What to say where the server has switched off what the page is for. `null`: it has not. */
  readonly closed: (methods: Methods) => { readonly title: string; readonly lead: string } | null;
  /** Below the form: a link to another way in. */
  readonly otherWay: ReactNode;
  /** The app's components around the form. */
  readonly slots: AroundSlots;
  /** The form that asks for the proof. */
  readonly form: ReactNode;
  /** The steps after the form. */
  readonly children: (proof: AskedProof, methods: Methods) => ReactNode;
}

/** The steps of a page that asks for a proof. */
export const ProofSteps = ({ flow, title, lead, closed, slots, form, children, ...props }: ProofStepsProps) => {
  const { readFailure } = useBackend();
  const methods = useSignInMethods();
  const otherWay = <p className={styles.otherWay}>{props.otherWay}</p>;
  if (methods.isPending) return <OneMoment />;
  if (methods.error) {
    return (
      <Page title={title} narrow>
        <FailureNotice
          failure={readFailure("auth.methods", methods.error)}
          onRetry={() => void methods.refetch()}
          retrying={methods.isFetching}
        />
      </Page>
    );
  }
  const isClosed = closed(methods.data);
  if (isClosed) {
    return (
      <Page title={isClosed.title} lead={isClosed.lead} narrow>
        {otherWay}
      </Page>
    );
  }
  if (flow.refused) {
    return (
      <ProofRefused reason={flow.refused} onStartAgain={flow.restart}>
        {otherWay}
      </ProofRefused>
    );
  }
  if (flow.proof) return children(flow.proof, methods.data);
  return (
    <Page title={title} lead={lead(methods.data)} narrow>
      {slots.above && <slots.above />}
      {form}
      {otherWay}
      {slots.below && <slots.below />}
    </Page>
  );
};
