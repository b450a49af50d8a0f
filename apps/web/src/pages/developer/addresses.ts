// Owns the addresses of the developers' pages.

export const developerPath = "/developer";

export const registerPath = `${developerPath}/register`;

/** Of an app's page. */
export const addressOf = (clientId: string): string => `${developerPath}/${clientId}`;
