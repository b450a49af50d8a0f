// Owns the words of the page at an unknown address.

export const notFoundWords = {
  title: "Page not found",
  lead: "The link may be old, or mistyped.",
  home: "Go to your account",
};
