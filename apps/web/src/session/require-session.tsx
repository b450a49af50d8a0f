// Takes whoever is signed out to the sign-in page, which returns them here.

import type { ReactNode } from "react";
import { Redirect, useLocation, useSearch } from "wouter";
import { signInAddress } from "./return-path.ts";
import { useSession } from "./use-session.ts";

export const RequireSession = ({ children }: { children: ReactNode }) => {
  const { status } = useSession();
  const [path] = useLocation();
  const search = useSearch();
  if (status === "signed-in") return children;
  return <Redirect to={signInAddress(search ? `${path}?${search}` : path)} replace />;
};
