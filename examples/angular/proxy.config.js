// The browser calls this origin, so the session cookie is this origin's.
export default { "/trpc": { target: process.env.API_URL ?? "http://localhost:3000" } };
