// Imported before any schema is built: zod would try whether it may compile them with `eval`, which the
// content security policy forbids and reports.

import { z } from "zod";

z.config({ jitless: true });
