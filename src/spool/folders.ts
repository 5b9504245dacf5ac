import { constants } from "node:fs";
import { dirname } from "node:path";
import { errnoName, type Files, kernelWords, kindOf } from "./files.ts";

/** A folder that netdevd works in. Whoever can write in it is as good as root. */
export interface Folder {
  readonly path: string;
  /** `private`: 0700, nobody else's business; `readable`: 0755, others may look. */
  readonly access: "private" | "readable";
}

/** Why nothing is read from or written to a folder, and what mends it. */
export interface FolderFault {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  /** The command that mends it; null where a person has to find out more. */
  readonly mend: string | null;
}

/** A {@link FolderFault} in one line. */
export function folderFaultText({ path, found, expected, mend }: FolderFault): string {
  return `${path} ${found}; expected ${expected}${mend === null ? "" : `; mend it with: ${mend}`}`;
}

/** What {@link makeFolder} does, but for a folder that is not there: that is a fault. */
export function folderFault(files: Files, folder: Folder, owner: number): FolderFault | null {
  try {
    const fault = faultOf(files, folder, owner);
    return fault === undefined ? missing(folder) : fault;
  } catch (error) {
    return unreachable(folder, error);
  }
}

/**
 * Makes `folder` where it is not there, with its parents; then what is wrong with it, or null.
 *
 * It must be a real folder and no link to one, owned by `owner` (a uid: the daemon's own) and not to be
 * written by anyone else; a private one not even to be read. Looked at anew before each use, because the
 * folder can be replaced at any time.
 */
export function makeFolder(files: Files, folder: Folder, owner: number): FolderFault | null {
  try {
    const fault = faultOf(files, folder, owner);
    if (fault !== undefined) return fault;
    files.mkdirSync(dirname(folder.path), { recursive: true, mode: 0o755 });
    create(files, folder);
    return faultOf(files, folder, owner) ?? null;
  } catch (error) {
    return unreachable(folder, error);
  }
}

/** undefined: it is not there. */
function faultOf(files: Files, { path, access }: Folder, owner: number): FolderFault | null | undefined {
  const stats = files.lstatSync(path, { throwIfNoEntry: false, bigint: true });
  if (stats === undefined) return undefined;
  const quoted = shellQuoted(path);
  if (!stats.isDirectory()) {
    return { path, found: `is ${kindOf(stats)}`, expected: "a real folder", mend: `rm ${quoted}` };
  }
  if (stats.uid !== BigInt(owner)) {
    const found = `is owned by uid ${stats.uid}`;
    return { path, found, expected: `uid ${owner}, the daemon's own`, mend: `chown ${owner} ${quoted}` };
  }
  const mode = Number(stats.mode) & 0o777;
  const wanted = modeOf(access);
  const forbidden = access === "private" ? 0o077 : 0o022;
  if ((mode & forbidden) !== 0 || (mode & 0o700) !== 0o700) {
    return {
      path,
      found: `has mode ${octal(mode)}`,
      expected: octal(wanted),
      mend: `chmod ${octal(wanted)} ${quoted}`,
    };
  }
  return null;
}

function create(files: Files, { path, access }: Folder): void {
  try {
    files.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoName(error) !== "EEXIST") throw error;
    return;
  }
  // mkdir(2) takes the umask away from the mode; fchmod(2) does not, and cannot be led astray by a link.
  const fd = files.openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    files.fchmodSync(fd, modeOf(access));
  } finally {
    files.closeSync(fd);
  }
}

function missing({ path, access }: Folder): FolderFault {
  const mend = `mkdir -p -m ${octal(modeOf(access))} ${shellQuoted(path)}`;
  return { path, found: "is not there", expected: "a folder of the daemon's own", mend };
}

function unreachable(folder: Folder, error: unknown): FolderFault {
  if (errnoName(error) === null) throw error;
  return { ...missing(folder), found: `cannot be used: ${kernelWords(error)}`, mend: null };
}

function modeOf(access: Folder["access"]): number {
  return access === "private" ? 0o700 : 0o755;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function shellQuoted(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
