/**
 * What is known of one endpoint.
 *
 * - `idle`: not used yet.
 * - `connecting`: in use for the first time, and has not answered yet.
 * - `ready`: it answered, and nothing has failed since.
 * - `failing`: it could not be reached, did not answer, or is not able to serve. It is set aside, and tried again.
 * - `learner`: its member has no vote yet and refuses nearly every call. It is left out, and tried again once in a while.
 */
export type EndpointState = "idle" | "connecting" | "ready" | "failing" | "learner";

/**
 * What is known of the cluster, from what is known of its endpoints.
 *
 * - `idle`: nothing has been asked yet.
 * - `connecting`: no endpoint has answered yet, and not all have failed.
 * - `ready`: what was used works.
 * - `degraded`: some endpoints work and some fail; calls go to those that work.
 * - `unavailable`: no endpoint works. Calls wait for one to come back, within their deadlines.
 * - `closed`: the client was closed.
 */
export type ConnectionState = "idle" | "connecting" | "ready" | "degraded" | "unavailable" | "closed";

export interface EndpointStatus {
  readonly url: string;
  readonly state: EndpointState;
  /** Why it fails, in the server's or the transport's words; undefined while it does not. */
  readonly lastError: string | undefined;
  /** When it came into this state. */
  readonly since: Date;
}

export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** In the order of the client's list; those from the member list behind. */
  readonly endpoints: readonly EndpointStatus[];
  /** Why the files of `tls` could not be used when they were last read, so that what was read before still is. */
  readonly tlsError: Error | undefined;
}

/** What happened to an endpoint, to the list of them, or to the client. */
export type ConnectionEvent =
  | { readonly type: "used"; readonly url: string }
  | { readonly type: "answered"; readonly url: string }
  | { readonly type: "failed"; readonly url: string; readonly reason: string }
  | { readonly type: "learner"; readonly url: string; readonly reason: string }
  | { readonly type: "listed"; readonly urls: readonly string[] }
  /** The files of `tls` were read again. */
  | { readonly type: "tls"; readonly error: Error | undefined }
  | { readonly type: "closed" };

/** The status before anything happened. */
export const NOTHING_KNOWN: ConnectionStatus = { state: "idle", endpoints: [], tlsError: undefined };

/**
 * The only way from one status to the next. Gives the same object when the event changes nothing.
 *
 * An endpoint becomes `connecting` by its first use, `ready` by an answer or a passed health check, `failing` by a
 * failure, `learner` by a learner's refusal; the state of the whole follows from those of its parts. `closed` is final.
 */
export function transition(
  status: ConnectionStatus,
  event: ConnectionEvent,
  now: Date = new Date(),
): ConnectionStatus {
  if (status.state === "closed") return status;
  if (event.type === "closed") return { ...status, state: "closed" };
  if (event.type === "tls") {
    const same = event.error?.message === status.tlsError?.message;
    return same ? status : { ...status, tlsError: event.error };
  }
  const endpoints =
    event.type === "listed"
      ? event.urls.map((url) => status.endpoints.find((each) => each.url === url) ?? unused(url, now))
      : status.endpoints.map((each) => (each.url === event.url ? nextOf(each, event, now) : each));
  const { length } = endpoints;
  const same =
    length === status.endpoints.length && endpoints.every((each, i) => each === status.endpoints[i]);
  return same ? status : { ...status, state: stateOf(endpoints), endpoints };
}

type EndpointEvent = Extract<ConnectionEvent, { readonly url: string }>;

function nextOf(endpoint: EndpointStatus, event: EndpointEvent, now: Date): EndpointStatus {
  switch (event.type) {
    case "used":
      return endpoint.state === "idle" ? inState(endpoint, "connecting", undefined, now) : endpoint;
    case "answered":
      return inState(endpoint, "ready", undefined, now);
    case "failed":
      return inState(endpoint, "failing", event.reason, now);
    case "learner":
      return inState(endpoint, "learner", event.reason, now);
  }
}

function inState(
  endpoint: EndpointStatus,
  state: EndpointState,
  lastError: string | undefined,
  now: Date,
): EndpointStatus {
  if (endpoint.state === state && endpoint.lastError === lastError) return endpoint;
  const since = endpoint.state === state ? endpoint.since : now;
  return { url: endpoint.url, state, lastError, since };
}

function unused(url: string, since: Date): EndpointStatus {
  return { url, state: "idle", lastError: undefined, since };
}

function stateOf(endpoints: readonly EndpointStatus[]): ConnectionState {
  const has = (...states: readonly EndpointState[]): boolean =>
    endpoints.some(({ state }) => states.includes(state));
  if (has("ready")) return has("failing") ? "degraded" : "ready";
  if (has("connecting")) return "connecting";
  if (!has("failing", "learner")) return "idle";
  // Some failed, but there are others left to try.
  return has("idle") ? "connecting" : "unavailable";
}
