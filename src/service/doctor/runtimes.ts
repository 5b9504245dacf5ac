import { type Finding, pass, warn } from "./finding.ts";

/** Where podman and CRI-O look for hooks (oci-hooks(5)). */
const HOOK_FOLDERS = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"];

/**
 * Whether podman and CRI-O call netdevd. Other runtimes have no such folder: their bundles name their hooks.
 *
 * @param textsIn the files of a folder; null where there is no such folder
 */
export function runtimeFindings(textsIn: (folder: string) => readonly string[] | null): Finding[] {
  const there = HOOK_FOLDERS.flatMap((folder) => {
    const texts = textsIn(folder);
    return texts === null ? [] : [{ folder, calls: texts.some((text) => text.includes("netdevd")) }];
  });
  const calling = there.find(({ calls }) => calls);
  if (calling !== undefined) return [pass("runtimes", `podman and CRI-O call netdevd: ${calling.folder}`)];
  const [first] = there;
  if (first === undefined) return [pass("runtimes", "no folder for hooks of podman or CRI-O is here")];
  const mend = "put config/hooks.d/netdevd.json of netdevd there, or drop events yourself";
  return [warn("runtimes", `no hook in ${first.folder} calls netdevd`, mend)];
}
