import { errorOf } from "@lockstep/client";
import { fail, redirect } from "@sveltejs/kit";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals: { api, user } }) =>
  user ? { user, sessions: await api.session.list.query() } : { user };

export const actions: Actions = {
  signIn: async ({ locals, request }) => {
    const form = await request.formData();
    const [username, password] = [String(form.get("username")), String(form.get("password"))];
    try {
      await locals.api.auth.login.mutate({ username, password });
    } catch (thrown) {
      const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
      if (error?.code === "INVALID_CREDENTIALS")
        return fail(401, { problem: "The username or the password is wrong." });
      if (error?.code === "TOO_MANY_ATTEMPTS")
        return fail(429, {
          problem: `Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`,
        });
      throw thrown;
    }
    redirect(303, "/");
  },

  signOut: async ({ locals }) => {
    await locals.api.auth.logout.mutate();
    redirect(303, "/");
  },
};
