/** The gid of `name` in the text of a group(5) file, or null where it has no such group. */
export function groupId(groupFile: string, name: string): number | null {
  for (const line of groupFile.split("\n")) {
    const [group, , gid] = line.split(":");
    if (group === name && gid !== undefined && /^\d+$/.test(gid)) return Number(gid);
  }
  return null;
}
