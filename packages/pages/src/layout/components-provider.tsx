// Owns the context that Mantine's components read. This is `MantineProvider` without its generated style elements, which
// the content security policy forbids: the styles are in `styles/`.

import { MantineContext, MantineThemeProvider, useProviderColorScheme } from "@mantine/core";
import type { ReactNode } from "react";
import { colorSchemeManager } from "./color-scheme.ts";
import { mantineTheme } from "./mantine-theme.ts";

const getRootElement = () => document.documentElement;

export const ComponentsProvider = ({ children }: { children: ReactNode }) => {
  const scheme = useProviderColorScheme({
    defaultColorScheme: "auto",
    forceColorScheme: undefined,
    manager: colorSchemeManager,
    getRootElement,
  });
  return (
    <MantineContext
      value={{
        ...scheme,
        getRootElement,
        classNamesPrefix: "mantine",
        cssVariablesSelector: ":root",
        withStaticClasses: true,
      }}
    >
      <MantineThemeProvider theme={mantineTheme}>{children}</MantineThemeProvider>
    </MantineContext>
  );
};
