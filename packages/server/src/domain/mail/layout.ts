// Owns the look of a mail: parts, as text and as HTML. It needs no image and nothing from the network, so that every mail
// program shows it in full, and nobody learns when it was opened.

import type { Brand } from "@lockstep/kit";
import { escaped } from "../../html.ts";
import type { MailContent } from "./mails.ts";

/** A part of a mail: a paragraph, a code to type, a link that stands out, or facts with their names. */
export type MailPart =
  | string
  | { readonly code: string }
  | { readonly link: string; readonly label: string }
  | { readonly facts: Readonly<Record<string, string>> };

const fonts = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/** Renders the parts in the brand's name and colour, as text and as HTML. */
export const layOut = (
  { subject, parts }: { readonly subject: string; readonly parts: readonly MailPart[] },
  { name, colors }: Brand,
): MailContent => ({
  subject,
  text: [...parts.map(textOf), `-- \n${name}`].join("\n\n").concat("\n"),
  html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(subject)}</title>
</head>
<body style="margin:0;padding:24px 16px;${fonts};font-size:16px;line-height:1.5">
<div style="max-width:560px;margin:0 auto">
<p style="margin:0 0 24px;padding:0 0 8px;border-bottom:3px solid ${escaped(colors?.light ?? "currentColor")};font-size:18px;font-weight:600">${escaped(name)}</p>
${parts.map(htmlOf).join("\n")}
</div>
</body>
</html>
`,
});

const textOf = (part: MailPart): string => {
  if (typeof part === "string") return part;
  if ("code" in part) return `    ${part.code}`;
  if ("link" in part) return `${part.label}${/[.:!?]$/.test(part.label) ? "" : ":"}\n${part.link}`;
  return Object.entries(part.facts)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
};

const htmlOf = (part: MailPart): string => {
  if (typeof part === "string") return `<p style="margin:0 0 16px">${escaped(part)}</p>`;
  if ("code" in part)
    return `<p style="margin:0 0 16px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:28px;letter-spacing:4px"><strong>${escaped(part.code)}</strong></p>`;
  if ("link" in part)
    // An outline: its text has the colour of all text, and can be read in every colour scheme.
    return `<p style="margin:0 0 16px"><a href="${escaped(part.link)}" style="display:inline-block;padding:10px 20px;border:2px solid currentColor;border-radius:6px;color:inherit;font-weight:600;text-decoration:none">${escaped(part.label)}</a></p>
<p style="margin:0 0 16px;font-size:13px;overflow-wrap:anywhere">${escaped(part.link)}</p>`;
  const rows = Object.entries(part.facts).map(
    ([name, value]) =>
      `<tr><th scope="row" align="left" style="padding:2px 16px 2px 0;font-weight:600;white-space:nowrap;vertical-align:top">${escaped(name)}</th><td style="overflow-wrap:anywhere">${escaped(value)}</td></tr>`,
  );
  return `<table style="margin:0 0 16px;border-collapse:collapse">${rows.join("")}</table>`;
};
