// Owns the page at `/docs` besides Swagger UI's own files: its HTML, script and styles. Swagger UI has a dark theme;
// contrast, labels for screen readers and narrow screens are corrected here.

import type { Brand } from "@lockstep/kit";
import { escaped } from "../html.ts";

/** The page itself. */
export const docsPage = ({ name }: Brand) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(name)} API</title>
    <link rel="icon" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="stylesheet" href="/docs/page.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

export interface StartOptions {
  readonly publicUrl: string;
  readonly redirectPath: string;
  readonly clientId: string;
}

export const docsScript = ({
  publicUrl,
  redirectPath,
  clientId,
}: StartOptions) => `const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

// A link inside a button cannot be focused by keyboard; the button opens the operation.
const plainTitles = ({ React }) => ({ components: { DeepLink: ({ text }) => React.createElement("span", null, text) } });
// There is one server: this one.
const oneServer = () => ({ wrapComponents: { ServersContainer: () => () => null } });

// First-party clients use the password flow without a client ID. Keep the code flow's client ID out of it.
const passwordFlowWithoutClient = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorizePassword: (original) => (auth) => original({ ...auth, clientId: "", clientSecret: "" }),
      },
    },
  },
});

// The description contains the public URL. A page opened at another URL calls the server there.
const atThisAddress = (response) => {
  if (new URL(response.url, location.href).pathname !== "/openapi.json" || !response.text) return response;
  return Object.assign(response, { text: response.text.replaceAll(${JSON.stringify(publicUrl)}, location.origin) });
};

// Give screen readers the text of the buttons.
const nameButtons = () => {
  for (const button of document.querySelectorAll(".close-modal:not([aria-label])")) button.setAttribute("aria-label", "Close");
  for (const button of document.querySelectorAll(".modal-btn[aria-label]")) button.removeAttribute("aria-label");
};
new MutationObserver(nameButtons).observe(document.getElementById("docs"), { childList: true, subtree: true });

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  oauth2RedirectUrl: location.origin + ${JSON.stringify(redirectPath)},
  plugins: [passwordFlowWithoutClient, plainTitles, oneServer],
  responseInterceptor: atThisAddress,
}).initOAuth({ clientId: ${JSON.stringify(clientId)}, usePkceWithAuthorizationCodeGrant: true });
`;

export const docsStyles = `body {
  margin: 0;
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after {
    transition: none !important;
    animation: none !important;
  }
}
html.dark-mode body {
  background: #1c2022;
}

/* Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
html:not(.dark-mode) .swagger-ui {
  & .info .title small {
    background: #5a6270;
  }
  & .info .title small.version-stamp {
    background: #4a6800;
  }
  & .info .url,
  & .info a,
  & .info .link,
  & .scopes h2 a {
    color: #1a5fb4;
  }
  & .btn.authorize {
    border-color: #18724a;
    color: #18724a;
  }
  & .btn.authorize svg {
    fill: #18724a;
  }
  & .btn.cancel {
    border-color: #b3261e;
    color: #b3261e;
  }
  & .btn.execute {
    background: #1a5fb4;
    border-color: #1a5fb4;
  }
  & .opblock-get .opblock-summary-method {
    background: #1a5fb4;
  }
  & .opblock-post .opblock-summary-method {
    background: #18724a;
  }
  & .opblock-put .opblock-summary-method {
    background: #96500a;
  }
  & .opblock-patch .opblock-summary-method {
    background: #0f6b5c;
  }
  & .opblock-delete .opblock-summary-method {
    background: #b3261e;
  }
  & .download-contents {
    background: #5a6270;
  }
  & .parameter__in,
  & .parameter__type,
  & .prop-format,
  & .json-schema-2020-12-expand-deep-button {
    color: #545454;
  }
  & .renderedMarkdown code {
    color: #6a0dad;
  }
}
html.dark-mode .swagger-ui .headers td.header-col {
  color: #e4e6e6;
}
/* The highlighter sets its colours on the elements. */
.swagger-ui .microlight span[style*="rgb(211, 99, 99)"] {
  color: #ff9c9c !important;
}

/* Phones have room for one column only. */
@media (max-width: 640px) {
  .swagger-ui .wrapper {
    padding: 0 12px;
  }
  .swagger-ui .opblock-summary-path {
    max-width: none;
    word-break: break-word;
  }
  .swagger-ui table:not(.headers),
  .swagger-ui table:not(.headers) > :is(tbody, thead) > tr,
  .swagger-ui table:not(.headers) > :is(tbody, thead) > tr > :is(td, th) {
    box-sizing: border-box;
    display: block;
    max-width: 100%;
    width: 100%;
  }
  .swagger-ui table:not(.headers) > thead {
    display: none;
  }
  .swagger-ui :is(input, select, textarea) {
    max-width: 100%;
    min-width: 0;
  }
  .swagger-ui .dialog-ux .modal-ux {
    min-width: 0;
    width: calc(100vw - 24px);
  }
}
`;
