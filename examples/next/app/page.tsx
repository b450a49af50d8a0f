// A server component: the browser gets the page with the user's name in it.

import { currentUser } from "../api";
import { signOut } from "./actions";
import { SessionEvents } from "./session-events";
import { SignInForm } from "./sign-in-form";

const Page = async () => {
  const user = await currentUser();
  if (!user) return <SignInForm />;
  return (
    <>
      <h1>{user.fullName}</h1>
      <form action={signOut}>
        <button type="submit">Sign out</button>
      </form>
      <SessionEvents />
    </>
  );
};
export default Page;
