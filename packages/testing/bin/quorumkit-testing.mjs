#!/usr/bin/env node
// `npx @quorumkit/testing`: here and not in dist, so that it exists before the first build.
await import("../dist/cli/main.js");
