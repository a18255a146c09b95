import { batches } from "./batches.mjs";
import { config } from "./config.mjs";
import { input } from "./input.mjs";
import { leases } from "./leases.mjs";
import { locks } from "./locks.mjs";
import { mirrors } from "./mirrors.mjs";
import { registrations } from "./registrations.mjs";
import { requests } from "./requests.mjs";
import { watches } from "./watches.mjs";
import { writes } from "./writes.mjs";

/**
 * All faults, in the order of docs/guarantees.md. Each is one that somebody could make, or did make in another client:
 *
 * - `name`: what it is
 * - `harm`: what a user would suffer from it
 * - `file`, `find`, `replace`: where it is built in; `find` stands in the file exactly once
 * - `tests`: which tests are to notice it; only these are run
 */
export const mutations = [
  ...writes,
  ...batches,
  ...watches,
  ...mirrors,
  ...leases,
  ...locks,
  ...registrations,
  ...config,
  ...input,
  ...requests,
];
