/** Something to wait at while it is shut. */
export class Gate {
  #isOpen = true;
  #waiting: (() => void)[] = [];

  get isOpen(): boolean {
    return this.#isOpen;
  }

  shut(): void {
    this.#isOpen = false;
  }

  /** Lets everybody through, in the order in which they came. */
  open(): void {
    this.#isOpen = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pass of waiting) pass();
  }

  /** Calls `then` when the gate is open: now, or later. */
  pass(then: () => void): void {
    if (this.#isOpen) then();
    else this.#waiting.push(then);
  }
}
