import { type Channel, channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type {
  CallMessage,
  ConnectionMessage,
  LeaseMessage,
  RetryMessage,
  StreamMessage,
  WatchMessage,
} from "./messages.ts";

/**
 * The names of the channels of `node:diagnostics_channel` this package publishes on. `call` is a tracing channel:
 * `diagnostics_channel.tracingChannel(DIAGNOSTICS.call).subscribe({ asyncEnd, error, … })`; the others are plain ones.
 *
 * Messages hold no key, no value, no password and no token. While nobody listens, none are made.
 */
export const DIAGNOSTICS = {
  /** {@link CallMessage} */
  call: "quorumkit:call",
  /** {@link RetryMessage} */
  retry: "quorumkit:retry",
  /** {@link StreamMessage} */
  stream: "quorumkit:stream",
  /** {@link LeaseMessage} */
  lease: "quorumkit:lease",
  /** {@link WatchMessage} */
  watch: "quorumkit:watch",
  /** {@link ConnectionMessage} */
  connection: "quorumkit:connection",
} as const;

/** A channel whose messages have a type; Node's own take anything. */
interface TypedChannel<Message> extends Channel {
  publish(message: Message): void;
}

interface Channels {
  readonly call: TracingChannel<CallMessage>;
  readonly retry: TypedChannel<RetryMessage>;
  readonly stream: TypedChannel<StreamMessage>;
  readonly lease: TypedChannel<LeaseMessage>;
  readonly watch: TypedChannel<WatchMessage>;
  readonly connection: TypedChannel<ConnectionMessage>;
}

/** Ask `hasSubscribers` before making a message. */
export const channels: Channels = {
  call: tracingChannel(DIAGNOSTICS.call),
  retry: channel(DIAGNOSTICS.retry),
  stream: channel(DIAGNOSTICS.stream),
  lease: channel(DIAGNOSTICS.lease),
  watch: channel(DIAGNOSTICS.watch),
  connection: channel(DIAGNOSTICS.connection),
};
