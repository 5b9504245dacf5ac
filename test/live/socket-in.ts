import { NetlinkSocket, receiveMemory } from "../../ffi/netlink-socket.ts";
import { closeFd, netlinkSocketIn, openOwnNamespace, openReadOnly } from "../../ffi/netns.ts";
import { type Connection, connect } from "../../src/netlink/connection.ts";
import { type Process, startProcess } from "../helpers/process.ts";

/** A network namespace that nothing but the test is in, with sockets of it that are closed with it. */
export interface Room extends AsyncDisposable {
  readonly process: Process;
  /** ip(8) in it. */
  readonly netns: Process["netns"];
  /** An open file of the namespace. */
  readonly fd: number;
  /** A socket of it; `groups` are RTMGRP_* bits to subscribe to. */
  socket(groups?: number): NetlinkSocket;
  /** A Connection over a socket of it. */
  connection(): Connection;
}

/** Makes a {@link Room}. Without root this is an error, not a reason to skip. */
export async function openRoom(): Promise<Room> {
  if (process.getuid?.() !== 0) throw new Error("these tests make network namespaces: run them as root");
  const inhabitant = await startProcess(["unshare", "--net"]);
  const sockets: NetlinkSocket[] = [];
  const home = openOwnNamespace();
  const fd = openReadOnly(inhabitant.netns.path);
  const receive = receiveMemory();
  const socket = (groups = 0) => {
    const opened = new NetlinkSocket(netlinkSocketIn(fd, home), { groups, receive });
    sockets.push(opened);
    return opened;
  };
  return {
    process: inhabitant,
    netns: inhabitant.netns,
    fd,
    socket,
    connection: () => connect(socket()),
    [Symbol.asyncDispose]: async () => {
      for (const opened of sockets) opened[Symbol.dispose]();
      closeFd(fd);
      closeFd(home);
      await inhabitant.kill();
    },
  };
}
