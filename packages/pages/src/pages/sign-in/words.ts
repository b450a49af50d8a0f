// Owns the words of the sign-in page. Those of its form are in `words/shared.ts`.

export const signInWords = { title: "Sign in" };
