// A program that is signed in by a file. Prints the username.

import { createClient } from "@lockstep/client";
import { fileTokens } from "@lockstep/client/node";

const [url = "", file = ""] = process.argv.slice(2);
const client = createClient({ url, tokens: fileTokens(file) });
const answers = await Promise.all([client.user.me.query(), client.user.me.query()]);
process.stdout.write(answers[0].username);
