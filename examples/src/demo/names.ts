import { z } from "zod";

/** What the demo's processes have in common. */
export const ELECTION = "orders-report";
export const TTL_SECONDS = 5;
export const CONFIG = {
  layers: ["global"],
  documents: { orders: z.object({ limit: z.number().int().positive().default(100) }) },
} as const;
