import { expect, test } from "bun:test";
import type { System } from "../../../src/engine/system.ts";
import { linkMessage } from "../../../src/netlink/link.ts";
import { decodeMessages } from "../../../src/netlink/message.ts";
import { IFF_UP, RTM_NEWLINK } from "../../../src/netlink/uapi.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { kill } from "../../sim/model/processes.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

// The kernel goes on with a datagram after a request of it that it refused. Addresses that are added to a device
// which did not come up lack the routes to their peers, and coming up later does not make them.

test("what brings a device up goes alone", async () => {
  const machine = machineWith("veth", "ifb");
  const { world } = machine;
  const together: number[] = [];
  const watched = (system: System): System => ({
    ...system,
    home() {
      const socket = system.home();
      return {
        ...socket,
        send(datagram) {
          const requests = decodeMessages(datagram);
          const brings = requests.some(({ type, payload }) => {
            if (type !== RTM_NEWLINK) return false;
            const { header } = linkMessage.decode(payload);
            return (header.ifi_flags & header.ifi_change & IFF_UP) !== 0;
          });
          if (brings) together.push(requests.length);
          socket.send(datagram);
        },
      };
    },
  });
  const mappings = [mappingFor("c1", { match: { name: "d?" }, count: "all" })];
  using daemon = await startDaemon(machine, { mappings, system: watched });
  const container = startContainer(machine);
  await daemon.engine.handle(attachEvent(machine, "c1", container));
  kill(world, container);
  await daemon.settle();
  expect(together.length).toBeGreaterThan(1);
  expect(together.every((requests) => requests === 1)).toBe(true);
});
