import { describe, it } from "vitest";
import { expectAlike } from "../conform.ts";
import { openPair } from "../servers.ts";
import { API_DIFFERENCES } from "./differences.ts";
import { sequences } from "./generators.ts";
import { ApiSide } from "./side.ts";

describe("the embedded server is to EtcdClient what etcd is", { timeout: 240_000 }, () => {
  it("in results, errors and outcomes, sessions, locks, watches and mirrors", () =>
    expectAlike({
      open: () =>
        openPair((endpoint) => new ApiSide(endpoint), { ofWhatIsApplied: (step) => "timeToLive" in step }),
      steps: sequences,
      differences: API_DIFFERENCES,
      sequences: 200,
    }));
});
