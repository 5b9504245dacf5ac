import type { Device } from "../domain/device.ts";
import type { Target } from "../domain/event.ts";
import type { Located } from "../domain/plan.ts";
import type { Step } from "../domain/step.ts";
import { type Connection, connect } from "../netlink/connection.ts";
import { wantedAfter } from "./arrival.ts";
import type { Trail } from "./by-number.ts";
import { chase } from "./chase.ts";
import { Departures } from "./departures.ts";
import { createDeviceTable, type DeviceTable } from "./device-table.ts";
import { execute } from "./executor.ts";
import { lookIntoPins, openByCookie } from "./find-namespace.ts";
import { follow } from "./follow.ts";
import { createHardwareReader } from "./hardware.ts";
import { type Inventoried, inventory } from "./inventory.ts";
import {
  type Applied,
  type Followed,
  type KernelCalls,
  type KernelNews,
  type Opened,
  onceMore,
  type PinnedNamespace,
  type Surveyed,
} from "./kernel.ts";
import { locate, type Places, type Wanted } from "./locate.ts";
import { Namespaces } from "./namespaces.ts";
import { noPins, type Pins } from "./pins.ts";
import { readDevices } from "./reader.ts";
import { type SurveyQuery, survey } from "./survey.ts";
import { sysctlFilesOf } from "./sysctls.ts";
import type { LinkMonitor, NamespaceSocket, System } from "./system.ts";
import { type Take, takerOver } from "./take.ts";
import { examine } from "./target.ts";
import { trailOver } from "./trail.ts";
import { Watches } from "./watches.ts";

/**
 * The kernel's side of the engine: owns every netlink socket, namespace and pidfd, and carries out one call
 * after another on the thread that it lives on.
 */
export class KernelService implements KernelCalls, Disposable {
  readonly #system: System;
  readonly #pins: Pins;
  readonly #tell: (news: KernelNews) => void;
  readonly #socket: NamespaceSocket;
  readonly #monitor: LinkMonitor;
  readonly #home: Connection;
  readonly #table: DeviceTable;
  readonly #namespaces: Namespaces;
  readonly #watches: Watches;
  readonly #departures: Departures;
  readonly #take: Take;
  readonly #trail: Trail;
  #entered = false;
  readonly #enters = () => {
    this.#entered = true;
  };

  constructor(system: System, tell: (news: KernelNews) => void, pins: Pins = noPins) {
    this.#system = system;
    this.#pins = pins;
    this.#tell = tell;
    this.#departures = new Departures(system, this.#enters);
    this.#namespaces = new Namespaces(system, pins, this.#departures);
    this.#watches = new Watches(system);
    this.#monitor = system.monitor();
    this.#socket = system.home();
    this.#home = connect(this.#socket);
    this.#table = createDeviceTable(this.#home, this.#monitor);
    const [namespaces, watches, homeCookie] = [this.#namespaces, this.#watches, this.#socket.cookie()];
    this.#take = takerOver({ system, namespaces, watches, homeCookie, entered: this.#enters });
    this.#trail = trailOver(system, namespaces, this.#take);
  }

  /** pidfds by watch, for whoever waits; see {@link KernelService.reap}. */
  get pidfds(): ReadonlyMap<number, number> {
    return this.#watches.pidfds;
  }

  /** Becomes readable when something changes at home; see {@link KernelService.refresh}. */
  get monitorFd(): number {
    return this.#monitor.fd;
  }

  /** Becomes readable when a device has left a namespace that is pinned; see {@link KernelService.chase}. */
  get departuresFd(): number {
    return this.#departures.fd;
  }

  /**
   * Takes hold of what devices have left pinned namespaces for, and tells. To be called at once: it may end with the
   * container any moment, and with it every virtual device that is there.
   */
  chase(): void {
    chase({ trail: this.#trail, departures: this.#departures }, this.#tell);
  }

  /**
   * Takes in what has changed at home, and tells that something has: whoever waits for news is not to miss what
   * was taken in on the way to something else.
   */
  refresh(): void {
    if (this.#table.refresh()) this.#tell({ type: "home-changed" });
  }

  /** Tells of the watched processes that have ended. */
  reap(): void {
    for (const watch of this.#watches.takeEnded()) this.#tell({ type: "exit", watch });
  }

  /**
   * Looks whether a thread of ours was left in a namespace that has been entered since the last look. To be
   * called after each answer: whoever waits for that need not wait for this.
   */
  verify(): void {
    if (!this.#entered) return;
    this.#entered = false;
    const threads = this.#system.strayThreads();
    if (threads.length > 0) this.#tell({ type: "stray", threads });
  }

  homeCookie(): string {
    return this.#socket.cookie();
  }

  open(target: Target, writtenAt: number): Opened {
    // Whatever has ended by now is told before the answer: an id may be free again.
    this.reap();
    const examined = examine(this.#system, target, writtenAt);
    return examined.ok ? this.#take(examined) : examined;
  }

  openPinned(cookie: string): Opened {
    const opened = openByCookie(this.#trail, cookie, [this.#pins.path(cookie)]);
    if (opened.ok) this.#namespaces.adoptPin(cookie);
    return opened;
  }

  openFound(cookie: string): Opened {
    return openByCookie(this.#trail, cookie, this.#trail.paths());
  }

  pin(cookie: string): string | null {
    return this.#namespaces.pin(cookie);
  }

  listen(cookie: string): string | null {
    return this.#departures.listen(cookie, this.#namespaces.get(cookie).fd);
  }

  unpinOthers(known: readonly string[]): readonly string[] {
    return this.#namespaces.unpinOthers(known);
  }

  unaccounted(known: readonly string[]): PinnedNamespace[] {
    return lookIntoPins(this.#trail, this.#pins, known);
  }

  close(cookie: string, keepPin = false): void {
    this.#namespaces.letGo(cookie, keepPin);
  }

  unpin(cookie: string): boolean {
    return this.#namespaces.unpin(cookie);
  }

  unwatch(watch: number): void {
    this.#watches.remove(watch);
  }

  survey(cookie: string | null, query: SurveyQuery): Surveyed {
    this.refresh();
    const { connections, files, now } = this.#places(cookie);
    const inside =
      connections.inside === null ? null : { connection: connections.inside, files: files.inside };
    const ground = { connection: connections.home, files: files.home };
    return survey({ ...this.#host(query.away), ground, inside, left: this.#table.left, now }, query);
  }

  locate(cookie: string | null, wanted: Wanted): Located | null {
    this.refresh();
    return locate(this.#places(cookie), wanted);
  }

  follow(cookie: string, wanted: Wanted): Followed | null {
    return follow(this.#trail, cookie, wanted);
  }

  apply(
    cookie: string | null,
    from: Located,
    wanted: Wanted,
    steps: readonly Step[],
    carryOn: boolean,
  ): Applied {
    const places = this.#places(cookie);
    const inside = cookie === null ? null : this.#namespaces.get(cookie).fd;
    const ends = { ...places, fds: { home: this.#system.homeFd, inside } };
    const { device } = from.snapshot;
    // Where it was found it may have been given a MAC of its own, by which it is known after the move.
    const identity = { ...wanted.identity, macs: [...wanted.identity.macs, device.mac] };
    const subject = { place: from.place, ifindex: device.ifindex, name: device.name, identity };
    const { failure, subject: after } = execute(ends, subject, steps, carryOn);
    this.refresh();
    return { failure, located: onceMore(() => locate(places, wantedAfter(wanted, after))) };
  }

  devices() {
    // Asked anew: the kernel tells nobody of an altname that is given to a device which is down.
    return readDevices(this.#home);
  }

  inventory(away: readonly Device[]): Inventoried[] {
    this.refresh();
    return inventory({ ...this.#host(away), connection: this.#home }, away);
  }

  [Symbol.dispose](): void {
    this.#departures[Symbol.dispose]();
    this.#namespaces[Symbol.dispose]();
    this.#watches[Symbol.dispose]();
    this.#monitor[Symbol.dispose]();
    this.#socket[Symbol.dispose]();
  }

  #host(away: readonly Device[]) {
    const { devices } = this.#table;
    const known = () => [...devices.values(), ...away];
    return { devices, hardware: createHardwareReader(this.#system, this.#socket, known) };
  }

  #places(cookie: string | null): Places {
    const held = cookie === null ? null : this.#namespaces.get(cookie);
    const home = sysctlFilesOf(this.#system, this.#system.homeFd);
    // Where nothing can be reached inside, nothing is asked there.
    const inside = held === null ? home : sysctlFilesOf(this.#system, held.fd, this.#enters);
    return {
      connections: { home: this.#home, inside: held?.connection ?? null },
      files: { home, inside },
      home: this.#table.devices.values(),
      departed: (ifindex) => {
        this.refresh();
        return this.#table.departed(ifindex);
      },
      now: () => this.#system.bootTime(),
    };
  }
}
