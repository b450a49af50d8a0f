// Shows why a sign-in with an identity provider failed, and what to do about it.

import { Alert } from "@mantine/core";
import { useSearch } from "wouter";
import { useWords } from "../words/words.ts";
import { loginProblemWords } from "./login-problem-words.ts";
import { useProviders } from "./sign-in-methods.ts";

type Problem = keyof typeof loginProblemWords.problems;

export const LoginProblemText = ({ problem }: { problem: string }) => {
  const search = new URLSearchParams(useSearch());
  const providers = useProviders();
  const { problems, someProvider } = useWords("loginProblems", loginProblemWords);
  // The URL is untrusted: it only selects one of our own texts.
  if (!Object.hasOwn(problems, problem)) return null;
  const provider = providers.find(({ name }) => name === search.get("provider"))?.label ?? someProvider;
  const { title, text } = problems[problem as Problem](provider);
  return (
    <Alert role="alert" color="yellow" title={title}>
      {text.charAt(0).toUpperCase() + text.slice(1)}
    </Alert>
  );
};
