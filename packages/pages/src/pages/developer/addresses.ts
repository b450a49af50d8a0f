// Owns the addresses of the developer pages.

import { paths } from "../../parts.ts";

export const developerPath = paths.developer.replace("/*?", "");

export const registerPath = `${developerPath}/register`;

/** The address of an app's page. */
export const addressOf = (appId: string): string => `${developerPath}/${appId}`;
