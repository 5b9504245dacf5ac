import { expect, test } from "bun:test";
import { groupId } from "../../../src/http/group.ts";

const file =
  "root:x:0:\n# a remark\nnetdevd:x:992:alice,bob\nnetdevd2:x:993:\nbroken:x\nworse:x:one:\nlast:x:7:";

test.each([
  ["root", 0],
  ["netdevd", 992],
  ["netdevd2", 993],
  ["last", 7],
  ["netdev", null],
  ["alice", null],
  ["broken", null],
  ["worse", null],
  ["", null],
] as const)("the gid of %p is %p", (name, gid) => expect(groupId(file, name)).toBe(gid));
