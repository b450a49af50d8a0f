// Assembles the app: the context of all pages, and the page at each address.

import { sessionOf } from "@lockstep/client";
import { SessionProvider, useSession } from "@lockstep/client/react";
import type { Brand, ProtocolPage as ProtocolMessage, protocolPageMeta } from "@lockstep/kit";
import { QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, type ReactNode, Suspense, useMemo } from "react";
import { Route, Switch } from "wouter";
import { ComponentsProvider } from "../layout/components-provider.tsx";
import { lazyPage, lazyPart } from "../layout/lazy-page.tsx";
import { OneMoment } from "../layout/one-moment.tsx";
import { defaultPages, type PageName, type PageProps, type Pages } from "../pages.ts";
import { type OwnPages, paths } from "../paths.ts";
import { createNews } from "../session/news.ts";
import { RequireSession } from "../session/require-session.tsx";
import { SettledSession } from "../session/settled-session.tsx";
import { createSteps } from "../session/steps.ts";
import { layoutWords } from "../words/shared.ts";
import { type AppWords, type SomeOf, useWords, type Words } from "../words/words.ts";
import type { Backend, PagesContract } from "./backend.ts";
import { AppContext, type AppContextValue, type NavigationItem, useAppContext } from "./context.ts";
import type { Slots } from "./slots.ts";

/** The props of the shell. */
export interface ShellProps {
  /**
   * Links for signed-in users. Empty on pages that ask one question on behalf of an app, so that nothing leads away.
   */
  readonly navigation: readonly NavigationItem[];
  /** Whether the page asks one question on behalf of an app. */
  readonly plain: boolean;
  readonly children: ReactNode;
}

interface CommonProps<C extends PagesContract> {
  /** The result of `createBackend`. */
  readonly backend: Backend<C>;
  readonly brand: Brand;
  /** Loads the scopes of the contract for the page to register apps. The first load does not include the contract. */
  readonly loadScopes: () => Promise<C["scopes"]>;
  /** The shell around every page: header, navigation, footer. */
  readonly shell: ComponentType<ShellProps>;
  /** The app's own pages: the result of `definePages`. */
  readonly ownPages: OwnPages;
  /** The app's components in place of our pages. `null` removes the page. */
  readonly pages?: {
    readonly [P in PageName]?: ComponentType<PageProps[P]> | (P extends "developer" ? null : never);
  };
  /** The app's components within our pages. */
  readonly slots?: Slots;
}

/** Words are required if the contract has errors of its own. */
type WordsProps<C extends PagesContract> =
  Record<never, never> extends AppWords<C["errors"]>["errors"]
    ? { readonly words?: Partial<AppWords<C["errors"]>> }
    : { readonly words: AppWords<C["errors"]> };

/** The props of `LockstepApp`. */
export type LockstepAppProps<C extends PagesContract> = CommonProps<C> & WordsProps<C>;

/**
 * The web app: the pages of this package and the app's own, each at its address.
 *
 * @example
 * ```tsx
 * export const App = () => (
 *   <LockstepApp backend={backend} brand={brand} loadScopes={loadScopes} shell={Shell} ownPages={ownPages} />
 * );
 * const loadScopes = async () => (await import("./scopes.ts")).scopes;
 * ```
 */
export const LockstepApp = <C extends PagesContract>(props: LockstepAppProps<C>) => {
  const { brand, loadScopes, shell: Shell, ownPages, pages: replaced, slots = noSlots } = props;
  // Every contract has the engine's operations (`PagesContract`), and the pages call no others.
  const backend = props.backend as unknown as Backend;
  const words: SomeOf<Words> = props.words ?? noWords;
  const state = useMemo(() => ({ news: createNews(), steps: createSteps(sessionOf(backend.client)) }), [backend]);
  const value = useMemo(
    (): AppContextValue => ({
      ...state,
      backend,
      brand,
      loadScopes: once(loadScopes),
      words,
      slots,
      pages: pagesOf(replaced),
    }),
    [state, backend, brand, loadScopes, words, slots, replaced],
  );
  return (
    <AppContext value={value}>
      <ComponentsProvider>
        <QueryClientProvider client={backend.queryClient}>
          {protocolMessage === null ? (
            <SessionProvider client={backend.client}>
              <WatchSessions />
              <Routes Shell={Shell} ownPages={ownPages} hasDeveloper={replaced?.developer !== null} />
            </SessionProvider>
          ) : (
            // On protocol pages, the server knows who is signed in. The other pages restore the session themselves.
            <SessionProvider client={backend.client} restore={false}>
              <Shell navigation={noNavigation} plain>
                <Suspense fallback={<OneMoment />}>
                  <ProtocolPage message={protocolMessage} />
                </Suspense>
              </Shell>
            </SessionProvider>
          )}
        </QueryClientProvider>
      </ComponentsProvider>
    </AppContext>
  );
};

const once = <T,>(load: () => Promise<T>): (() => Promise<T>) => {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
};

const noWords: SomeOf<Words> = {};
const noSlots: Slots = {};
const noNavigation: readonly NavigationItem[] = [];

const pagesOf = (replaced: CommonProps<PagesContract>["pages"] = {}): Pages => {
  const developer = replaced.developer === null ? (replaced.notFound ?? defaultPages.notFound) : replaced.developer;
  return { ...defaultPages, ...replaced, developer: developer ?? defaultPages.developer };
};

const LiveSessions = lazyPart(async () => (await import("../session/live-sessions.ts")).LiveSessions);

const WatchSessions = () =>
  useSession().status === "signedIn" && (
    <Suspense fallback={null}>
      <LiveSessions />
    </Suspense>
  );

interface RoutesProps {
  readonly Shell: ComponentType<ShellProps>;
  readonly ownPages: OwnPages;
  readonly hasDeveloper: boolean;
}

const Routes = ({ Shell, ownPages, hasDeveloper }: RoutesProps) => {
  const { pages } = useAppContext();
  const own = useMemo(() => ownPages.list.map((page) => ({ ...page, Page: lazyPage(page.load) })), [ownPages]);
  const labels = useWords("layout", layoutWords).navigation;
  const navigation = [
    { path: paths.account, label: labels.account },
    ...own.flatMap(({ path, label }) => (label === undefined ? [] : [{ path: withoutRest(path), label }])),
    { path: paths.security, label: labels.security },
    { path: paths.sessions, label: labels.sessions },
    { path: paths.apps, label: labels.apps },
    ...(hasDeveloper ? [{ path: withoutRest(paths.developer), label: labels.developer }] : []),
  ];
  return (
    <Switch>
      <Route path={paths.consent}>
        {({ authorizationId }) => (
          <Shell navigation={noNavigation} plain>
            <Settled>
              <pages.consent authorizationId={authorizationId} />
            </Settled>
          </Shell>
        )}
      </Route>
      <Route>
        <Shell navigation={navigation} plain={false}>
          <Settled>
            <Switch>
              {publicPages.map((name) => (
                <Route key={name} path={paths[name]} component={pages[name]} />
              ))}
              {ourPages.map((name) => {
                const Page = pages[name];
                return (
                  <Route key={name} path={paths[name]}>
                    <RequireSession>
                      <Page />
                    </RequireSession>
                  </Route>
                );
              })}
              {own.map(({ path, Page, public: isPublic = false }) => (
                <Route key={path} path={path}>
                  {isPublic ? (
                    <Page />
                  ) : (
                    <RequireSession>
                      <Page />
                    </RequireSession>
                  )}
                </Route>
              ))}
              <Route component={pages.notFound} />
            </Switch>
          </Settled>
        </Shell>
      </Route>
    </Switch>
  );
};

/** Pages for people who may not be signed in. */
const publicPages = ["signIn", "signInCode", "signUp", "recover", "proof"] as const satisfies PageName[];

/** Pages for people who are signed in. */
const ourPages = [
  "account",
  "email",
  "security",
  "sessions",
  "apps",
  "developer",
  "linkedAccounts",
  "password",
  "yourData",
  "secondFactors",
] as const satisfies PageName[];

/** The address of a page's link in the navigation. */
const withoutRest = (path: string): string => path.replace(/\/\*\?$/, "");

const Settled = ({ children }: { children: ReactNode }) => (
  <SettledSession>
    <Suspense fallback={<OneMoment />}>{children}</Suspense>
  </SettledSession>
);

// Written out, because importing the constant would also load its schemas. The compiler compares the two.
const metaName: typeof protocolPageMeta = "lockstep-protocol-page";

/** The protocol data that the server embedded in this page. `null`: an ordinary page of the app. */
const protocolMessage = document.querySelector<HTMLMetaElement>(`meta[name="${metaName}"]`)?.content ?? null;

const ProtocolPage = ({ message }: { message: string }) => {
  const { pages } = useAppContext();
  // It comes from our own server, which has the same version as this package.
  const page = JSON.parse(message) as ProtocolMessage;
  switch (page.page) {
    case "sign_out":
    case "signed_out":
      return <pages.signOut message={page} />;
    case "leave":
    case "error":
      return <pages.error message={page} />;
    default:
      return <pages.device message={page} />;
  }
};
