import type { ReactNode } from "react";

export const metadata = { title: "Next" };

const Layout = ({ children }: { children: ReactNode }) => (
  <html lang="en">
    <body>
      <main>{children}</main>
    </body>
  </html>
);
export default Layout;
