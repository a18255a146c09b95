import { expect, test, vi } from "vitest";
import { Freshness, type FreshnessSources } from "../src/freshness.ts";
import type { ConfigState } from "../src/index.ts";

function watched() {
  const mirror = {
    state: "live" as FreshnessSources["mirror"]["state"],
    staleSince: undefined as Date | undefined,
  };
  const pipeline = { busy: false, overdueSince: undefined as Date | undefined };
  const tell = vi.fn<(state: ConfigState) => void>();
  return { mirror, pipeline, tell, freshness: new Freshness({ mirror, pipeline }, tell) };
}

test("turns stale with the mirror, and live only when what came back has been dealt with", () => {
  const { mirror, pipeline, tell, freshness } = watched();
  const since = new Date(1000);
  Object.assign(mirror, { state: "stale", staleSince: since });
  freshness.update();
  freshness.update();
  expect([freshness.state, freshness.staleSince]).toEqual(["stale", since]);
  Object.assign(mirror, { state: "live", staleSince: undefined });
  pipeline.busy = true;
  freshness.update();
  expect([freshness.state, freshness.staleSince]).toEqual(["stale", since]);
  pipeline.busy = false;
  freshness.update();
  expect([freshness.state, freshness.staleSince]).toEqual(["live", undefined]);
  expect(tell.mock.calls).toEqual([["stale"], ["live"]]);
});

test("stays live while an ordinary change is validated", () => {
  const { pipeline, tell, freshness } = watched();
  pipeline.busy = true;
  freshness.update();
  expect(freshness.state).toBe("live");
  expect(tell).not.toHaveBeenCalled();
});

test("is stale while a validation takes longer than it may, from its beginning on", () => {
  const { pipeline, tell, freshness } = watched();
  const since = new Date(1000);
  Object.assign(pipeline, { busy: true, overdueSince: since });
  freshness.update();
  expect([freshness.state, freshness.staleSince]).toEqual(["stale", since]);
  Object.assign(pipeline, { busy: true, overdueSince: undefined });
  freshness.update();
  expect(freshness.state).toBe("stale");
  pipeline.busy = false;
  freshness.update();
  expect([freshness.state, freshness.staleSince]).toEqual(["live", undefined]);
  expect(tell.mock.calls).toEqual([["stale"], ["live"]]);
});

test("is closed for good, and ages from then on", () => {
  const { tell, freshness } = watched();
  freshness.close();
  freshness.update();
  freshness.close();
  expect(freshness.state).toBe("closed");
  expect(freshness.staleSince).toBeInstanceOf(Date);
  expect(tell.mock.calls).toEqual([["closed"]]);
});
