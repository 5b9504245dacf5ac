import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `bind`, which makes a listening socket at `path`, such that nobody has a moment of access that is not
 * meant to: the socket is 0600 from the first, and 0660 for `gid` once it belongs to that group.
 *
 * A missing folder is made, 0755. A socket that a killed process left there is removed. Throws where a socket
 * there is answered, where something else is there, and whatever `bind` throws.
 *
 * @param bind synchronous, because the umask is the whole process's
 */
export async function bindUnix<T>(path: string, gid: number | null, bind: () => T): Promise<T> {
  withUmask(0o022, () => mkdirSync(dirname(path), { recursive: true, mode: 0o755 }));
  await removeLeftover(path);
  return withUmask(0o177, () => {
    const bound = bind();
    if (gid !== null) {
      // In this order: with 0660 first, the group it had before would have its moment. In a set-group-ID
      // folder of that group it is its own from the start, and nobody has to be allowed to give files away.
      if (lstatSync(path).gid !== gid) chownSync(path, -1, gid);
      chmodSync(path, 0o660);
    }
    return bound;
  });
}

async function removeLeftover(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error("what is there is no socket; move it away, or listen elsewhere");
  if (await isAnswered(path)) {
    throw new Error("another process is serving there; end it, or listen elsewhere");
  }
  unlinkSync(path);
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") return false;
    throw error;
  }
}

function withUmask<T>(mask: number, act: () => T): T {
  const before = process.umask(mask);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}
