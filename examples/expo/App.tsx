import { SessionProvider, useSession } from "@lockstep/client/react";
import { AccountScreen } from "./account-screen";
import { api } from "./api";
import { SignInScreen } from "./sign-in-screen";

const Screens = () => {
  const { status } = useSession();
  if (status === "loading") return null;
  return status === "signedIn" ? <AccountScreen /> : <SignInScreen />;
};

const App = () => (
  <SessionProvider client={api}>
    <Screens />
  </SessionProvider>
);
export default App;
