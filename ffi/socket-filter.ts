import { struct } from "./layout.ts";
import { checked, libc } from "./libc.ts";
import { allocate } from "./memory.ts";

/** One instruction of a classic BPF program: struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const sock_filter = struct("sock_filter", { code: "u16", jt: "u8", jf: "u8", k: "u32" });
/** struct sock_fprog { unsigned short len; struct sock_filter *filter; } */
const sock_fprog = struct("sock_fprog", { len: "u16", filter: "u64" });
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** Has the kernel drop what a program says no to before it wakes anybody (socket(7), SO_ATTACH_FILTER). */
export function attachFilter(socket: number, program: readonly Instruction[]): void {
  const code = allocate(sock_filter.size * program.length);
  for (const [at, one] of program.entries()) sock_filter.encode(one, code.view, at * sock_filter.size);
  const memory = allocate(sock_fprog.size);
  sock_fprog.encode({ len: program.length, filter: Number(code.address) }, memory.view, 0);
  const result = libc.setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, memory.address, sock_fprog.size);
  checked("setsockopt", result, "SO_ATTACH_FILTER");
  // Copied by the kernel; until here it had to be reachable.
  code.bytes.fill(0);
}
