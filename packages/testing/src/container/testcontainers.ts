import type * as testcontainers from "testcontainers";

/** What the library gives; loaded only when a container is asked for. */
export type Testcontainers = typeof testcontainers;
