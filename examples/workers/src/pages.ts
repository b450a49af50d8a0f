// The pages, without a framework.

import type { User } from "@lockstep/client";

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const page = (main: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Workers</title>
<main>${main}</main>
`;

export const signInPage = (problem: string) =>
  page(`<h1>Sign in</h1>
<form method="post" action="/sign-in">
  <label>Username <input name="username" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
  <p role="alert">${problem}</p>
</form>`);

export const accountPage = ({ fullName }: User, sessions: number) =>
  page(`<h1>${escaped(fullName)}</h1>
<p>Sessions: ${sessions}</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<h2 id="events">Changes of your sessions</h2>
<ul aria-labelledby="events"></ul>
<script type="module">
  const source = new EventSource("/events");
  source.addEventListener("change", ({ data }) => {
    document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: data }));
  });
  source.addEventListener("end", () => location.reload());
</script>`);
