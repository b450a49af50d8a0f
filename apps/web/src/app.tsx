// Puts the app together: what every page stands on, and which page is at which address.

import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, Suspense } from "react";
import { Route, Switch } from "wouter";
import { queryClient } from "./backend.ts";
import { NotFoundPage } from "./pages/not-found.tsx";
import { InteractionPage, ProtocolPages, pages } from "./pages/pages.ts";
import { paths } from "./pages/paths.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { RequireSession } from "./session/require-session.tsx";
import { SettledSession } from "./session/settled-session.tsx";
import { ComponentsProvider } from "./shell/components-provider.tsx";
import { OneMoment } from "./shell/one-moment.tsx";
import { Shell } from "./shell/shell.tsx";

const Foundation = ({ children }: { children: ReactNode }) => (
  <ComponentsProvider>
    <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
  </ComponentsProvider>
);

/** What the page at an address of this app is. */
export const App = () => (
  <Foundation>
    <Switch>
      <Route path={paths.interaction}>
        {({ authorizationId }) => (
          <Shell plain>
            <SettledSession>
              <Suspense fallback={<OneMoment />}>
                <InteractionPage authorizationId={authorizationId} />
              </Suspense>
            </SettledSession>
          </Shell>
        )}
      </Route>
      <Route>
        <Shell>
          <SettledSession>
            <Suspense fallback={<OneMoment />}>
              <Switch>
                <Route path={paths.signIn} component={SignInPage} />
                {pages.map(({ path, Page }) => (
                  <Route key={path} path={path}>
                    <RequireSession>
                      <Page />
                    </RequireSession>
                  </Route>
                ))}
                <Route component={NotFoundPage} />
              </Switch>
            </Suspense>
          </SettledSession>
        </Shell>
      </Route>
    </Switch>
  </Foundation>
);

/** The page that the server put here, whatever the address: `message` is what it says in it. */
export const ProtocolApp = ({ message }: { message: string }) => (
  <Foundation>
    <Shell plain>
      <Suspense fallback={<OneMoment />}>
        <ProtocolPages message={message} />
      </Suspense>
    </Shell>
  </Foundation>
);
