// Owns what Mantine's components read from above. This is `MantineProvider` without its generators of
// styles: the content security policy lets nothing write a style element, so ours are in `styles/`.

import { MantineContext, MantineThemeProvider, useProviderColorScheme } from "@mantine/core";
import type { ReactNode } from "react";
import { theme } from "../theme.ts";
import { colorSchemeManager } from "./color-scheme.ts";

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
      <MantineThemeProvider theme={theme}>{children}</MantineThemeProvider>
    </MantineContext>
  );
};
