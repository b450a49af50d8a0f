// Owns the words while the browser does the work that a server under attack asks for.

export const challengeWords = {
  solving: "Making sure that you are not a program. This takes a few seconds, and there is nothing to do.",
};
