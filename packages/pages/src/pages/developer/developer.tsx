// The developer pages and their addresses. Keeps the secret that was created last while its page is open.

import type { RegisteredClient } from "@lockstep/kit";
import { useEffect, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { NotFound } from "../../parts.ts";
import { addressOf, developerPath, registerPath } from "./addresses.ts";
import { AppPage } from "./app-page.tsx";
import { AppsPage } from "./apps-page.tsx";
import { RegisterPage } from "./register-page.tsx";

export const DeveloperPage = () => {
  const [path, navigate] = useLocation();
  const [issued, setIssued] = useState<RegisteredClient | null>(null);
  const [deleted, setDeleted] = useState<string | null>(null);
  useEffect(() => {
    if (issued && path !== addressOf(issued.client.id)) setIssued(null);
    if (path !== developerPath) setDeleted(null);
  }, [path]);
  return (
    <Switch>
      <Route path={developerPath}>
        <AppsPage deleted={deleted} />
      </Route>
      <Route path={registerPath}>
        <RegisterPage
          onRegistered={(registered) => {
            navigate(addressOf(registered.client.id));
            setIssued(registered);
          }}
        />
      </Route>
      <Route path={`${developerPath}/:appId` as "/developer/:appId"}>
        {({ appId }) => (
          <AppPage
            appId={appId}
            issued={issued?.client.id === appId ? issued : null}
            onIssued={setIssued}
            onDeleted={({ name }) => {
              navigate(developerPath);
              setDeleted(name);
            }}
          />
        )}
      </Route>
      <Route component={NotFound} />
    </Switch>
  );
};
