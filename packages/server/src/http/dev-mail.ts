// Owns `/dev/mail`, which exists in development only: the caught mails, for people and for end-to-end tests, and a preview
// of every template. Mails are shown in a sandboxed frame, and may load nothing.

import { isIP } from "node:net";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { CaughtMails } from "../domain/mail/caught-mails.ts";
import type { MailContent, Mails, MailTemplate } from "../domain/mail/mails.ts";
import type { RenderMail } from "../domain/mail/templates.ts";
import { escaped } from "../html.ts";

export interface DevMailOptions {
  readonly caughtMails: CaughtMails;
  readonly renderMail: RenderMail;
  readonly publicUrl: string;
}

const pagePolicy =
  "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** Links open in a new tab; scripts, forms and everything from the network are off. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

const event = {
  username: "jane",
  at: Date.UTC(2026, 10, 27, 14, 30),
  address: "192.0.2.7",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
};

const proof = { code: "BCDFGHJK", secret: "nothing-to-open" };

/** Data to preview each template with. */
const samples: Mails = {
  sign_up: proof,
  account_exists: { username: "jane" },
  sign_in: { ...proof, username: "jane" },
  recovery: { ...proof, username: "jane" },
  email_change: proof,
  invitation: { expiresAt: event.at },
  password_changed: event,
  password_created: event,
  password_set: event,
  password_reset_required: event,
  email_changed: { ...event, oldEmail: "jane@example.com", newEmail: "jane@example.org", undoSecret: proof.secret },
  identity_linked: { ...event, provider: "Google" },
  identity_unlinked: { ...event, provider: "Google" },
  factor_added: { ...event, kind: "passkey", name: "Jane's phone" },
  factor_renamed: { ...event, kind: "totp", name: "Authenticator" },
  factor_removed: { ...event, kind: "totp", name: "Authenticator" },
  factors_reset: event,
  factors_reset_requested: { ...event, resetsAt: event.at + 24 * 3600 * 1000 },
  factors_reset_cancelled: event,
  recovery_codes_renewed: event,
  recovery_code_used: { ...event, left: 1 },
  new_device: event,
  deletion_requested: {
    ...event,
    deletesAt: Date.UTC(2026, 11, 11, 14, 30),
    byAdministrator: false,
    cancelSecret: proof.secret,
  },
  deletion_cancelled: event,
  account_deleted: event,
  test: {},
};
const templates = Object.keys(samples) as MailTemplate[];

interface OneMail {
  Params: { id: string };
}

export const devMailRoutes =
  ({ caughtMails, renderMail, publicUrl }: DevMailOptions) =>
  async (app: FastifyInstance) => {
    const find = async (id: string): Promise<(MailContent & { to: string }) | null> =>
      (await caughtMails()).find((mail) => mail.id === id) ?? null;
    const preview = async (id: string): Promise<(MailContent & { to: string }) | null> => {
      const template = templates.find((name) => name === id);
      if (!template) return null;
      const mail = { template, data: samples[template], to: "jane@example.com", userId: null };
      return { to: mail.to, ...(await renderMail(mail as Parameters<RenderMail>[0])) };
    };

    app.addHook("onRequest", async ({ headers: { host = "" } }, reply) => {
      reply.header("cache-control", "no-store").header("content-security-policy", pagePolicy);
      if (host === new URL(publicUrl).host || !isForeignName(new URL(`http://${host || "localhost"}`).hostname)) return;
      return sendPage(
        reply.code(403),
        "Forbidden",
        `<p>Mails are shown at <code>${escaped(publicUrl)}</code> only.</p>`,
      );
    });

    app.get("/dev/mail", async (request, reply) => {
      const mails = await caughtMails();
      reply.header("vary", "accept");
      if (/^application\/json\b/.test(request.headers.accept ?? ""))
        return mails.map(({ to, subject, text, html }) => ({ to, subject, text, html }));
      return sendPage(reply, "Mails", listOf(mails));
    });

    app.get("/dev/mail/page.css", async (_request, reply) => reply.type("text/css; charset=utf-8").send(styles));

    for (const [path, look] of [
      ["/dev/mail/caught", find],
      ["/dev/mail/templates", preview],
    ] as const) {
      app.get<OneMail>(`${path}/:id`, async ({ params: { id } }, reply) => {
        const mail = await look(id);
        if (!mail) return notFound(reply);
        return sendPage(reply, mail.subject, mailPage(mail, `${path}/${encodeURIComponent(id)}/html`));
      });

      app.get<OneMail>(`${path}/:id/html`, async ({ params: { id } }, reply) => {
        const mail = await look(id);
        if (!mail) return notFound(reply);
        return reply
          .header("content-security-policy", mailPolicy)
          .header("x-frame-options", "SAMEORIGIN")
          .type("text/html; charset=utf-8")
          .send(mail.html.replace(/<head[^>]*>/i, '$&<base target="_blank">'));
      });
    }
  };

/**
 * Whether somebody else may own the name. They can let it point to this machine, and then read all answers with a page of
 * theirs (DNS rebinding). An IP address and a name without a dot, such as a container's, are this network's own.
 */
const isForeignName = (hostname: string): boolean =>
  hostname.includes(".") && isIP(hostname) === 0 && !hostname.endsWith(".localhost");

const sendPage = (reply: FastifyReply, title: string, body: string) =>
  reply.type("text/html; charset=utf-8").send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="/dev/mail/page.css">
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`);

const notFound = (reply: FastifyReply) =>
  sendPage(
    reply.code(404),
    "No such mail",
    '<h1>No such mail</h1>\n<p>Mails are deleted after a week. <a href="/dev/mail">All mails</a></p>',
  );

const listOf = (mails: Awaited<ReturnType<CaughtMails>>) => {
  const items = mails.map(
    ({ id, to, subject, sentAt }) =>
      `<li><a href="/dev/mail/caught/${encodeURIComponent(id)}">${escaped(subject)}</a><br>${escaped(to)}, <time>${new Date(sentAt).toISOString().replace("T", " ").slice(0, 19)} UTC</time></li>`,
  );
  const previews = templates.map((name) => `<li><a href="/dev/mail/templates/${name}">${name}</a></li>`);
  return `<h1>Mails</h1>
<p>Development sends no mail without <code>MAIL_URL</code>. It catches mails and shows them here, the newest first.</p>
${items.length > 0 ? `<ol>\n${items.join("\n")}\n</ol>` : "<p>No mail yet.</p>"}
<h2>Templates</h2>
<p>Each mail with sample data, in the words of this app.</p>
<ul>
${previews.join("\n")}
</ul>`;
};

const mailPage = (
  { to, subject, text }: MailContent & { to: string },
  frame: string,
) => `<p><a href="/dev/mail">All mails</a></p>
<h1>${escaped(subject)}</h1>
<p>To: ${escaped(to)}</p>
<h2>HTML</h2>
<iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" src="${frame}"></iframe>
<h2>Text</h2>
<pre>${escaped(text)}</pre>`;

const styles = `:root {
  color-scheme: light dark;
}
body {
  margin: 0;
  background: light-dark(#fff, #121212);
  color: light-dark(#1b1b1b, #ececec);
  font: 16px/1.5 system-ui, sans-serif;
}
main {
  max-width: 720px;
  margin: 0 auto;
  padding: 24px 16px;
}
a {
  color: light-dark(#0b57d0, #8ab4f8);
}
h1 {
  font-size: 24px;
  overflow-wrap: anywhere;
}
h2 {
  font-size: 18px;
}
li {
  margin: 0 0 8px;
  overflow-wrap: anywhere;
}
iframe {
  box-sizing: border-box;
  width: 100%;
  height: 560px;
  border: 1px solid;
}
pre {
  padding: 12px;
  border: 1px solid;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
`;
