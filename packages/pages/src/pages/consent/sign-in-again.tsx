// Asks a signed-in user to reauthenticate for an app that requires it: with their password, at an identity provider, or with
// a second factor. Who has no such factor adds one, or goes back to the app without.

import type { AuthorizationRequest, ClientView, Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import {
  AddFactor,
  ClientIcon,
  cardClasses,
  FailureNotice,
  OneMoment,
  Page,
  SignInAgainLinks,
  StepUpForm,
  type StepUpFormProps,
  useBackend,
  useReauthentication,
  useSignInMethods,
  useWords,
  waysToStepUp,
} from "../../parts.ts";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";
import { consentWords } from "./words.tsx";

type Needs = NonNullable<AuthorizationRequest["stepUp"]>;

export interface SignInAgainProps {
  readonly app: ClientView;
  readonly account: AccountInUseProps;
  /** What the app, or the policy of this service, asks for. */
  readonly needs: Needs;
  readonly onSignedIn: () => void;
  /** Answers the app that the user does not give what it asks for. */
  readonly onDecline: () => void;
}

export const SignInAgain = (props: SignInAgainProps) => {
  const { trpc, readFailure } = useBackend();
  const { cannotContinue } = useWords("consent", consentWords);
  const methods = useQuery(trpc.identity.list.queryOptions());
  const factors = useQuery(trpc.factor.list.queryOptions());
  const { needs } = props;
  if (methods.data && factors.data) {
    const ways = waysToStepUp({ methods: methods.data, factors: factors.data, needs });
    if (ways.offersPasskey || ways.offersForm) {
      return <StepUp {...props} methods={methods.data} factors={factors.data} />;
    }
    return needs.phishingResistant || needs.factors === 2 ? (
      <Missing {...props} onAdded={() => void factors.refetch().then(props.onSignedIn)} />
    ) : (
      <AtProvider {...props} identities={methods.data.identities} />
    );
  }
  const failure =
    (methods.error && readFailure("identity.list", methods.error)) ??
    (factors.error && readFailure("factor.list", factors.error));
  if (!failure) return <OneMoment />;
  return (
    <Page title={cannotContinue} narrow>
      <FailureNotice
        failure={failure}
        onRetry={() => void Promise.all([methods.refetch(), factors.refetch()])}
        retrying={methods.isFetching || factors.isFetching}
      />
    </Page>
  );
};

type StepUpProps = SignInAgainProps & Pick<StepUpFormProps, "methods" | "factors">;

const StepUp = ({ app, account, needs, methods, factors, onSignedIn, onDecline }: StepUpProps) => {
  const words = useWords("consent", consentWords).again;
  return (
    <Page
      title={factors.factors.length > 0 ? words.factorsTitle : words.passwordTitle}
      lead={words.lead(app.name)}
      icon={<ClientIcon />}
      narrow
    >
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <AccountInUse {...account} />
        <StepUpForm
          username={account.user.username}
          methods={methods}
          factors={factors}
          needs={needs}
          decline={words.decline}
          onProved={onSignedIn}
          onDecline={onDecline}
        />
      </div>
    </Page>
  );
};

/** There is no way around a factor that the app asks for. */
const Missing = ({ app, account, needs, onAdded, onDecline }: SignInAgainProps & { onAdded: () => void }) => {
  const { client } = useBackend();
  const words = useWords("consent", consentWords).again;
  const passkeys = useSignInMethods().data?.passkeys === true;
  const reauthentication = useReauthentication({ purpose: words.adding });
  const { phishingResistant } = needs;
  return (
    <Page title={words.missingTitle(app.name, phishingResistant)} icon={<ClientIcon />} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <AccountInUse {...account} />
        <p>{phishingResistant ? words.missingPasskey : words.missingFactor}</p>
        <AddFactor
          kinds={[...(passkeys ? (["passkey"] as const) : []), ...(phishingResistant ? [] : (["totp"] as const))]}
          path="factor.complete"
          begin={(kind) => reauthentication.attempt("factor.begin", () => client.factor.begin.mutate({ kind }))}
          complete={(input) => client.factor.complete.mutate(input)}
          onAdded={onAdded}
          onCancel={() => {}}
        />
        <Button variant="subtle" onClick={onDecline}>
          {words.decline}
        </Button>
      </div>
      {reauthentication.dialog}
    </Page>
  );
};

interface AtProviderProps extends Pick<SignInAgainProps, "app" | "account"> {
  readonly identities: readonly Identity[];
}

const AtProvider = ({ app, account, identities }: AtProviderProps) => {
  const words = useWords("consent", consentWords).again;
  return (
    <Page title={words.title} lead={words.lead(app.name)} icon={<ClientIcon />} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <AccountInUse {...account} />
        <SignInAgainLinks identities={identities} returnTo={location.pathname} />
      </div>
    </Page>
  );
};
