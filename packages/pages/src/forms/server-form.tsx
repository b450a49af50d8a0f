// A form that posts to the server, which answers with a page.

import { type ReactNode, useEffect, useRef } from "react";
import { cardClasses } from "../layout/card.ts";

/** Where a form is posted to, and what is in it. */
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
  // Somebody who comes back to the page may send it again.
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
