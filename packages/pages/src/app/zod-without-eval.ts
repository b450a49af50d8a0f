// Imported before any schema is built. Otherwise zod tests whether it can compile them with `eval`, which the content
// security policy forbids and reports.

import { z } from "zod";

z.config({ jitless: true });
