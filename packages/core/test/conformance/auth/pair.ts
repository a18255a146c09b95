import type { Pair } from "../compare.ts";
import { openPair } from "../servers.ts";
import { AuthSide } from "./side.ts";
import type { AuthStep } from "./steps.ts";

/** The two servers as users see them. */
export function openAuthPair(): Promise<Pair<AuthStep>> {
  // The cheapest hashes that etcd knows: sequences make many users.
  return openPair((endpoint) => new AuthSide(endpoint), {
    args: ["--bcrypt-cost=4"],
    ofWhatIsApplied: (step) =>
      "call" in step && (step.call === "leaseTimeToLive" || step.call === "authenticate"),
  });
}
