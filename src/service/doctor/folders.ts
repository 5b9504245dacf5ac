import type { Files } from "../../spool/files.ts";
import { type Folder, folderFault, folderFaultText } from "../../spool/folders.ts";
import { type Finding, fail, pass, warn } from "./finding.ts";

/** linux/magic.h: file systems that live as long as the boot. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** A journal and verdicts of thousands of containers fit in this, bytes. */
const ROOM = 16 * 1024 * 1024;

/** What statfs(2) tells of a folder. */
export interface FileSystem {
  readonly type: number;
  /** What is free for whoever asks, bytes. */
  readonly free: number;
}

/** One finding on a folder that netdevd works in. One that is not there is made by `netdevd run`. */
export function folderFinding(files: Files, about: string, folder: Folder, owner: number): Finding {
  if (files.lstatSync(folder.path, { throwIfNoEntry: false }) === undefined) {
    return pass(about, `${folder.path} is not there yet: \`netdevd run\` makes it`);
  }
  const fault = folderFault(files, folder, owner);
  if (fault === null) return pass(about, folder.path);
  const mend = fault.mend ?? "see why, and mend it by hand";
  return fail(about, folderFaultText({ ...fault, mend: null }), mend);
}

/** What the state folder is on: best what forgets with the boot, as namespaces do. */
export function stateFinding(path: string, { type, free }: FileSystem): Finding {
  const about = "state on";
  if (free < ROOM) {
    return fail(
      about,
      `${path} has ${Math.floor(free / 1024)} KiB free`,
      "make room: a full journal refuses",
    );
  }
  if (IN_MEMORY.has(type))
    return pass(about, "a file system in memory, which lives as long as namespaces do");
  const mend = "put daemon.state below /run";
  return warn(about, `${path} outlives a reboot, and what it tells does not: it is put aside then`, mend);
}
