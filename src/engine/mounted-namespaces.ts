/** A line of proc_pid_mountinfo(5), as far as it is of interest. */
interface Mount {
  readonly id: string;
  readonly parent: string;
  /** What of its file system is mounted: of nsfs the namespace. */
  readonly root: string;
  readonly path: string;
}

/**
 * The network namespaces that are mounted where a process can come to them, each with its path as that process sees it.
 *
 * What something else is mounted over is told as well, and left out here: its path leads into what lies above, which
 * may be FUSE or NFS with nobody behind it, and whoever opens it waits for ever.
 *
 * @param mountinfo proc_pid_mountinfo(5)
 */
export function mountedNamespaces(mountinfo: string): (readonly [namespace: string, path: string])[] {
  // As a rule there is none, among thousands of lines.
  if (!mountinfo.includes(" net:[")) return [];
  const mounts = mountinfo.split("\n").flatMap(mountOf);
  const ids = new Set(mounts.map(({ id }) => id));
  const upper = new Map<string, Mount>();
  for (const mount of mounts) {
    const isFirst = mount.parent === mount.id || !ids.has(mount.parent);
    upper.set(keyOf(isFirst ? null : mount.parent, mount.path), mount);
  }
  return mounts.flatMap((mount) => {
    if (!mount.root.startsWith("net:[") || mountAt(upper, mount.path) !== mount) return [];
    return [[mount.root, mount.path] as const];
  });
}

function mountOf(line: string): Mount[] {
  const [id, parent, , root, path] = line.split(" ");
  if (id === undefined || parent === undefined || root === undefined || path === undefined) return [];
  return [{ id, parent, root, path: path.replaceAll(/\\([0-7]{3})/g, unescaped) }];
}

/** Blanks and the like are told in octal. */
function unescaped(_: string, octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

/** What is mounted on a mount at a path; on null: on what is not told, for it is no part of what the process sees. */
function keyOf(id: string | null, path: string): string {
  return `${id ?? ""} ${path}`;
}

/** Goes the way that a path is gone: at each folder to what is mounted there, and to what is mounted on that (traverse_mounts()). */
function mountAt(upper: ReadonlyMap<string, Mount>, path: string): Mount | null {
  let last: Mount | null = null;
  // The kernel gives the lines in pieces: those of two moments may not fit together, nor ever come to an end.
  const passed = new Set<Mount>();
  for (const folder of foldersOf(path)) {
    for (;;) {
      const next = upper.get(keyOf(last?.id ?? null, folder));
      if (next === undefined || passed.has(next)) break;
      passed.add(next);
      last = next;
      // A process is in its root, and not in what was mounted on that later (nd_jump_root()).
      if (folder === "/") break;
    }
  }
  return last;
}

/** `/`, `/run`, `/run/netns` of the latter, which is the last one. */
function foldersOf(path: string): string[] {
  const ends = Array.from(path.matchAll(/\/[^/]*/g), ({ index, 0: name }) => index + name.length);
  return ["/", ...ends.map((end) => path.slice(0, end)).filter((folder) => folder !== "/")];
}
