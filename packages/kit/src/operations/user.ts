// Owns the declarations of `user.*`: the signed-in user.

import { z } from "zod";
import { RecentAccess } from "../recent-access.ts";
import { ChangePasswordInput, SetPasswordInput } from "../sign-in.ts";
import { UpdateUserInput, User } from "../users.ts";
import { firstParty, mutation, query, scoped } from "./words.ts";

export const user = {
  me: query({
    summary: "Read the signed-in user",
    access: scoped("profile:read"),
    rest: { method: "GET", path: "/users/me" },
    output: User,
  }),
  update: mutation({
    summary: "Change the signed-in user's name",
    access: scoped("profile:write"),
    rest: { method: "PATCH", path: "/users/me" },
    input: UpdateUserInput,
    output: User,
  }),
  changePassword: mutation({
    summary: "Change the signed-in user's password, and end their other sessions",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: ChangePasswordInput,
    output: z.object({}),
    errors: ["INVALID_CREDENTIALS", "PASSWORD_REFUSED", "TOO_MANY_ATTEMPTS", "OVERLOADED", "CREDENTIALS_IN_BATCH"],
    credential: true,
  }),
  setPassword: mutation({
    summary: "Set the first password of an account that has none, and end its other sessions",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: SetPasswordInput,
    output: z.object({}),
    errors: ["PASSWORD_EXISTS", "PASSWORD_REFUSED", "OVERLOADED", "CREDENTIALS_IN_BATCH"],
    credential: true,
  }),
  recentAccess: query({
    summary: "List the identities, grants and factors that were added in the last 30 days",
    access: firstParty(),
    output: RecentAccess,
  }),
};
