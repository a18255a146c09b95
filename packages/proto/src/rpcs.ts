import { checkBigInt } from "./check-bigint.ts";
import type { Rpcs, Services } from "./gen/rpcs.ts";
import { loadMethods } from "./load.ts";

// Each method object serves both directions; the two types show the half that belongs to each side.
const methods: unknown = loadMethods();

/** For `server.addService`: requests come decoded, answers are given as `…Input`. */
export const services: Services = methods as Services;

/** For a client: requests are given as `…Input`, answers come decoded. */
export const rpcs: Rpcs = methods as Rpcs;

checkBigInt(services.lease.leaseRevoke);
