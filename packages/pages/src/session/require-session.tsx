// Redirects signed-out users to the sign-in page, which returns them here.

import { useSession } from "@lockstep/client/react";
import type { ReactNode } from "react";
import { Redirect, useLocation, useSearch } from "wouter";
import { signInAddress } from "./return-path.ts";

export const RequireSession = ({ children }: { children: ReactNode }) => {
  const { status } = useSession();
  const [path] = useLocation();
  const search = useSearch();
  if (status === "signedIn") return children;
  return <Redirect to={signInAddress(search ? `${path}?${search}` : path)} replace />;
};
