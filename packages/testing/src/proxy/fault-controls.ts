import type { Directions } from "./direction.ts";
import type { EndKind } from "./rules.ts";

/**
 * What can be done to the connections of a proxy: to one, or to all there are and all that come. What is called later
 * replaces what was called before; the directions are independent of each other.
 */
export interface FaultControls {
  /** Ends in order (FIN) on both sides; what the proxy still has is thrown away. New connections are let through. */
  cut(): void;
  /** Ends at once with a reset (RST) on both sides. New connections are let through. */
  reset(): void;
  /**
   * Half-open: sockets stay as they are, and everything of these directions is read and thrown away, ends and resets too:
   * neither side can tell. Default both. {@link FaultControls.heal} resets what has lost bytes, since TCP cannot go on.
   */
  halfOpen(direction?: Directions): void;
  /**
   * As a network that delivers nothing for a while: everything of these directions is kept back, in its order, until
   * {@link FaultControls.release}. The sender is read from until the buffer is full, and then sees a full window.
   */
  hold(direction?: Directions): void;
  /** Passes on what {@link FaultControls.hold} has kept back. Has no effect on a half-open direction. */
  release(direction?: Directions): void;
  /** Everything arrives `ms` later, in its order; 0 ends it. The buffer's size bounds what can be on its way. */
  delay(direction: Directions, ms: number): void;
  /** Each connection passes so many bytes per second in each of these directions; `Infinity` ends it. */
  limit(direction: Directions, bytesPerSecond: number): void;
  /**
   * Each connection passes exactly so many more bytes in each of these directions and ends then, on both sides;
   * 0 is before the next byte. By default with `"cut"`; with `"reset"`, the last bytes may be overtaken.
   */
  cutAfter(direction: Directions, bytes: number, how?: EndKind): void;
  /** Ends all faults. What was kept back is passed on; a connection that has lost bytes is reset. */
  heal(): void;
}
