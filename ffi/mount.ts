import { checked, libc } from "./libc.ts";
import { cString } from "./memory.ts";

/** mount(2). */
const MS_BIND = 4096;
const MNT_DETACH = 2;

/** Makes `target`, an existing file, show what `source` is (mount(2), MS_BIND): of nsfs, this holds it. */
export function bindMount(source: string, target: string): void {
  const result = libc.mount(cString(source).bytes, cString(target).bytes, null, MS_BIND, null);
  checked("mount", result, `${source} on ${target}`);
}

/** Takes away what is mounted on `target`, at once and for all who do not have it open (umount2(2)). */
export function unmount(target: string): void {
  checked("umount2", libc.umount2(cString(target).bytes, MNT_DETACH), target);
}
