// Restores the session before each page: refreshes it when that is due, and hands it on to the page.

import { restoreSession } from "@lockstep/client/server";
import { type NextRequest, NextResponse } from "next/server";
import { API_URL } from "./api-url";

export const proxy = async (request: NextRequest) => {
  const { headers, cookies } = await restoreSession({ url: API_URL, headers: request.headers });
  const response = NextResponse.next({ request: { headers } });
  for (const { name, value, options } of cookies) response.cookies.set(name, value, options);
  return response;
};

export const config = { matcher: "/((?!trpc/|_next/|favicon.ico).*)" };
