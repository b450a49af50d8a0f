/** Where this server reaches the backend. */
export const { API_URL = "http://localhost:3000" } = process.env;
