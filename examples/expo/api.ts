import { createClient, memoryTokens, type Slot, type TokenStore, type Tokens } from "@lockstep/client";
import { fetch } from "expo/fetch"; // React Native's own `fetch` can't read a stream
import * as SecureStore from "expo-secure-store";
import { Platform } from "react-native";

const slot = <T>(key: string): Slot<T> => ({
  get: async () => JSON.parse((await SecureStore.getItemAsync(key)) ?? "null"),
  set: (value) => (value ? SecureStore.setItemAsync(key, JSON.stringify(value)) : SecureStore.deleteItemAsync(key)),
});

const secureTokens = (): TokenStore => ({ ...slot<Tokens>("session"), device: slot<string>("device") });

export const api = createClient({
  url: process.env.EXPO_PUBLIC_API_URL ?? "http://localhost:3000",
  fetch,
  // A browser has no secure storage that scripts can use: the session lasts until the page is reloaded.
  tokens: Platform.OS === "web" ? memoryTokens() : secureTokens(),
});
