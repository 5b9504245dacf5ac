import { expect, test } from "bun:test";
import type { NamespaceSocket, System } from "../../../src/engine/system.ts";
import { decodeMessages } from "../../../src/netlink/message.ts";
import {
  NLM_F_DUMP,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETNEXTHOP,
  RTM_GETROUTE,
  RTM_GETRULE,
} from "../../../src/netlink/uapi.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { addLink } from "../../sim/model/links.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

/** What was sent where: a datagram each, by the types of its messages. */
interface Sent {
  readonly where: "home" | "inside";
  readonly types: readonly number[];
  readonly isDump: boolean;
}

function watched(system: System, sent: Sent[]): System {
  const watch = (socket: NamespaceSocket, where: Sent["where"]): NamespaceSocket => ({
    ...socket,
    cookie: () => socket.cookie(),
    receive: () => socket.receive(),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
    send(datagram) {
      const messages = decodeMessages(datagram);
      const isDump = messages.some(({ flags }) => (flags & NLM_F_DUMP) === NLM_F_DUMP);
      sent.push({ where, types: messages.map(({ type }) => type), isDump });
      socket.send(datagram);
    },
  });
  return {
    ...system,
    home: () => watch(system.home(), "home"),
    enter: (namespace) => watch(system.enter(namespace), "inside"),
  };
}

/** What an attach and a return of one device send, on a host with so many other devices. */
async function costs(others: number): Promise<{ attach: Sent[]; homeward: Sent[] }> {
  const machine = machineWith("veth");
  for (let at = 0; at < others; at++) addLink(machine.world, machine.home, { name: `x${at}`, kind: "ifb" });
  const sent: Sent[] = [];
  const mappings = [mappingFor("c*", { match: { name: "d0" }, name: "eth1" })];
  using daemon = await startDaemon(machine, { mappings, system: (system) => watched(system, sent) });
  sent.length = 0;
  const container = startContainer(machine);
  expect((await daemon.engine.handle(attachEvent(machine, "c1", container))).outcome).toBe("attached");
  const attach = sent.splice(0);
  expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
  return { attach, homeward: sent };
}

test("one device costs some 19 datagrams, whatever else the host has, and no dump of its links", async () => {
  const few = await costs(0);
  const many = await costs(500);
  expect(many).toEqual(few);
  // Seven of them for what the device is to have again at home: neighbours, proxies, its forwarding database, nexthop
  // objects, the policy rules that name it, and the qdiscs at its root and ingress. Each costs some 10 us warm, and the kernel looks at this device alone.
  expect(few.attach.length).toBeLessThanOrEqual(19);
  // What it had is read back at home, of what it had at all: here of everything. One more gives it its IPv6 token.
  // And one, behind the answer, to see that what has left the container went home.
  expect(few.homeward.length).toBeLessThanOrEqual(22);
  const dumps = [...few.attach, ...few.homeward].filter(({ isDump, where }) => isDump && where === "home");
  // Those that the kernel filters by ifindex.
  expect(dumps.flatMap(({ types }) => types).filter((type) => type === RTM_GETLINK)).toEqual([]);
  expect(new Set(dumps.flatMap(({ types }) => types))).toEqual(
    new Set([RTM_GETADDR, RTM_GETNEIGH, RTM_GETNEXTHOP, RTM_GETROUTE, RTM_GETRULE]),
  );
});
