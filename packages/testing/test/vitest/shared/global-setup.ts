import { EmbeddedEtcd } from "@quorumkit/testing";
import { shareEtcd, type GlobalSetup } from "@quorumkit/testing/vitest-global-setup";

export const setup: GlobalSetup = shareEtcd({ start: async () => EmbeddedEtcd.start({ members: 3 }) });
