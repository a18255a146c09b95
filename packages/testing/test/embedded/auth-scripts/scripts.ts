import { changes } from "./changes.ts";
import { keys } from "./keys.ts";
import { management } from "./management.ts";
import type { Step } from "./script.ts";
import { services } from "./services.ts";
import { tokens } from "./tokens.ts";

/** All of them, by what they are about. Each starts with a server that is new. */
export const scripts: Readonly<
  Record<"management" | "keys" | "services" | "tokens" | "changes", readonly Step[]>
> = { management, keys, services, tokens, changes };
