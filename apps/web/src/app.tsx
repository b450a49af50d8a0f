// Puts the app together: what every page stands on, and which page is at which address.

import { QueryClientProvider } from "@tanstack/react-query";
import { Route, Switch } from "wouter";
import { queryClient } from "./backend.ts";
import { NotFoundPage } from "./pages/not-found.tsx";
import { pages } from "./pages/pages.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { RequireSession } from "./session/require-session.tsx";
import { signInPath } from "./session/return-path.ts";
import { SettledSession } from "./session/settled-session.tsx";
import { ComponentsProvider } from "./shell/components-provider.tsx";
import { Shell } from "./shell/shell.tsx";

export const App = () => (
  <ComponentsProvider>
    <QueryClientProvider client={queryClient}>
      <Shell>
        <SettledSession>
          <Switch>
            <Route path={signInPath} component={SignInPage} />
            {pages.map(({ path, Page }) => (
              <Route key={path} path={path}>
                <RequireSession>
                  <Page />
                </RequireSession>
              </Route>
            ))}
            <Route component={NotFoundPage} />
          </Switch>
        </SettledSession>
      </Shell>
    </QueryClientProvider>
  </ComponentsProvider>
);
