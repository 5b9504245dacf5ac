import { checked, libc } from "./libc.ts";
import { allocate } from "./memory.ts";

/** Longer than any single setting below /proc/sys/net, and what the kernel gives of a list at a time. */
const SIZE = 4096;
const { bytes: chunk } = allocate(SIZE);
const latin1 = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** What an open file says; closes it. Throws a SyscallError. */
export function readAndClose(fd: number, subject: string): string {
  let text = "";
  try {
    // Of a list the kernel gives whole lines, as many as fit: what is short is not the last (seq_read_iter()).
    for (;;) {
      const length = checked("read", libc.read(fd, chunk, SIZE), subject);
      if (length === 0) return text;
      text += latin1.decode(chunk.subarray(0, length));
    }
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
