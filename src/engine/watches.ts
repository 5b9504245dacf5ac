import type { System } from "./system.ts";

/** Processes that are watched for their end, each by its pidfd. */
export class Watches implements Disposable {
  readonly #system: System;
  readonly #pidfds = new Map<number, number>();
  #last = 0;

  constructor(system: System) {
    this.#system = system;
  }

  /** pidfds by watch. Each becomes readable when its process ends. */
  get pidfds(): ReadonlyMap<number, number> {
    return this.#pidfds;
  }

  /** Begins to watch; the pidfd is owned from here on. */
  add(pidfd: number): number {
    this.#last += 1;
    this.#pidfds.set(this.#last, pidfd);
    return this.#last;
  }

  /** Ends a watch; one that has ended is fine. */
  remove(watch: number): void {
    const pidfd = this.#pidfds.get(watch);
    if (pidfd === undefined) return;
    this.#pidfds.delete(watch);
    this.#system.close(pidfd);
  }

  /** Ends the watches whose process has ended, and names them. */
  takeEnded(): number[] {
    const ended = Array.from(this.#pidfds)
      .filter(([, pidfd]) => this.#system.hasExited(pidfd))
      .map(([watch]) => watch);
    for (const watch of ended) this.remove(watch);
    return ended;
  }

  [Symbol.dispose](): void {
    for (const watch of Array.from(this.#pidfds.keys())) this.remove(watch);
  }
}
