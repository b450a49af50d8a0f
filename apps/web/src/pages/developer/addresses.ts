// Owns the addresses of the developers' pages.

export const developerPath = "/developer";

export const registerPath = `${developerPath}/register`;

/** Of an application's page. */
export const addressOf = (applicationId: string): string => `${developerPath}/${applicationId}`;
