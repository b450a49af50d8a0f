// Owns what components take from the theme in code. Colours, type and spacing are in `styles/theme.css`.

import { createTheme, type MantineColorsTuple } from "@mantine/core";

// The stylesheet has the values, one set for each scheme; components only need the name.
const pine = Array.from({ length: 10 }, () => "var(--mantine-color-pine-filled)") as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: "pine",
  colors: { pine },
  components: {
    TextInput: { defaultProps: { size: "md", withAsterisk: false } },
    PasswordInput: { defaultProps: { size: "md", withAsterisk: false } },
    Button: { defaultProps: { size: "md" } },
  },
});
