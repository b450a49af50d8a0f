// A form that posts to the server, which answers with a page.

import { type ReactNode, useEffect, useRef } from "react";
import { cardClasses } from "../layout/card.ts";

/** The props of `ServerForm`. */
export interface ServerFormProps {
  readonly page: {
    readonly action: string;
    /** Proves to the server that the form is its own. */
    readonly token: string;
  };
  readonly children: ReactNode;
}

/** A form that the browser posts to the server, once: the next page is the answer. */
export const ServerForm = ({ page, children }: ServerFormProps) => {
  const sent = useRef(false);
  // A user who comes back to the page may submit it again.
  useEffect(() => {
    const comeBack = () => {
      sent.current = false;
    };
    addEventListener("pageshow", comeBack);
    return () => removeEventListener("pageshow", comeBack);
  }, []);
  return (
    <form
      method="post"
      action={page.action}
      noValidate
      className={cardClasses.card}
      onSubmit={(event) => {
        if (sent.current) event.preventDefault();
        sent.current = true;
      }}
    >
      <input type="hidden" name="xsrf" value={page.token} />
      <div className={cardClasses.fields}>{children}</div>
    </form>
  );
};
