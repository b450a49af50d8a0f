// Owns the checks of other services: the mail server and identity providers.

import type { Brand } from "@lockstep/kit";
import type { Config } from "../config.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import { connectBySmtp, MailFailure } from "../domain/mail/smtp.ts";
import { createConfiguredProviders } from "../server.ts";
import type { WorldOptions } from "../world.ts";
import { type Outcome, outcomeOf, type Problem } from "./check.ts";

/** How long the mail server may be silent. */
const silenceMs = 10_000;

/** Whether the mail server accepts a connection and the login. No mail is sent. */
export const checkMail = async ({ mail: { on, server, from } }: Config, brand: Brand): Promise<Outcome> => {
  if (!on) return { found: "MAIL=off: no mail is sent" };
  if (server === null) return { found: "caught, and shown at /dev/mail" };
  const connections = await connectBySmtp({ server, from, brand, connections: 1, silenceMs })();
  try {
    await connections.greet();
    return { found: `${server.host}:${server.port} accepts ${server.login ? "the login" : "connections"}` };
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    return outcomeOf(
      [
        {
          problem: `The mail server ${server.host}:${server.port} cannot be used: ${error.message.replace(/\.$/, "")}.`,
          advice: "Correct MAIL_URL. `npm run lockstep -- mail test <address>` sends a mail.",
        },
      ],
      "",
    );
  } finally {
    connections.close();
  }
};

/** Whether each identity provider's metadata and keys can be used. */
export const checkProviders = async (config: Config, world: WorldOptions): Promise<Outcome> => {
  const { providers, outbound } = createConfiguredProviders(config, world);
  try {
    const problems = await Promise.all(
      [...providers].map(async ([name, provider]): Promise<readonly Problem[]> => {
        try {
          await provider.check();
          return [];
        } catch (error) {
          if (!(error instanceof LoginRefusal)) throw error;
          return [
            {
              problem: `${name} cannot be used: ${error.message}.`,
              advice: `Correct ${name} in PROVIDERS (docs/identity-providers.md). Nobody can sign in with it until then.`,
            },
          ];
        }
      }),
    );
    return outcomeOf(problems.flat(), providers.size === 0 ? "none" : [...providers.keys()].join(", "));
  } finally {
    await outbound.close();
  }
};
