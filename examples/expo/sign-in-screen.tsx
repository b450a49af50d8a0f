import { errorOf } from "@lockstep/client";
import { useState } from "react";
import { Button, Text, TextInput } from "react-native";
import { api } from "./api";

export const SignInScreen = () => {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");

  const signIn = async () => {
    setProblem("");
    try {
      await api.auth.login.mutate({ username, password });
    } catch (thrown) {
      const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
      if (error?.code === "INVALID_CREDENTIALS") setProblem("The username or the password is wrong.");
      else if (error?.code === "TOO_MANY_ATTEMPTS")
        setProblem(`Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`);
      else throw thrown;
    }
  };

  return (
    <>
      <Text role="heading">Sign in</Text>
      <TextInput aria-label="Username" placeholder="Username" autoComplete="username" onChangeText={setUsername} />
      <TextInput
        aria-label="Password"
        placeholder="Password"
        autoComplete="current-password"
        secureTextEntry
        onChangeText={setPassword}
      />
      <Button title="Sign in" onPress={signIn} />
      <Text role="alert">{problem}</Text>
    </>
  );
};
