import { checked, libc } from "./libc.ts";
import { allocate } from "./memory.ts";

/** Longer than any single setting below /proc/sys/net. */
const SIZE = 256;
const latin1 = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** What an open file says, up to a few hundred bytes of it; closes it. Throws a SyscallError. */
export function readAndClose(fd: number, subject: string): string {
  const { bytes } = allocate(SIZE);
  try {
    const length = checked("read", libc.read(fd, bytes, SIZE), subject);
    return latin1.decode(bytes.subarray(0, length));
  } finally {
    libc.close(fd);
  }
}

/** Writes to an open file in one call, as a setting has to be, and closes it. Throws a SyscallError. */
export function writeAndClose(fd: number, text: string, subject: string): void {
  const bytes = encoder.encode(text);
  try {
    checked("write", libc.write(fd, bytes, bytes.length), subject);
  } finally {
    libc.close(fd);
  }
}
