// The part of the app for people who make applications: which page of it is at which address, and the secret that
// was given out last, for as long as its page is open.

import type { RegisteredApplication } from "@lockstep/kit";
import { useEffect, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { NotFoundPage } from "../not-found.tsx";
import { addressOf, developerPath, registerPath } from "./addresses.ts";
import { ApplicationPage } from "./application-page.tsx";
import { ApplicationsPage } from "./applications-page.tsx";
import { RegisterPage } from "./register-page.tsx";

export const DeveloperPages = () => {
  const [path, navigate] = useLocation();
  const [issued, setIssued] = useState<RegisteredApplication | null>(null);
  const [deleted, setDeleted] = useState<string | null>(null);
  useEffect(() => {
    if (issued && path !== addressOf(issued.application.id)) setIssued(null);
    if (path !== developerPath) setDeleted(null);
  }, [path]);
  return (
    <Switch>
      <Route path={developerPath}>
        <ApplicationsPage deleted={deleted} />
      </Route>
      <Route path={registerPath}>
        <RegisterPage
          onRegistered={(registered) => {
            navigate(addressOf(registered.application.id));
            setIssued(registered);
          }}
        />
      </Route>
      <Route path="/developer/:applicationId">
        {({ applicationId }) => (
          <ApplicationPage
            applicationId={applicationId}
            issued={issued?.application.id === applicationId ? issued : null}
            onIssued={setIssued}
            onDeleted={({ name }) => {
              navigate(developerPath);
              setDeleted(name);
            }}
          />
        )}
      </Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
};
