import { linkNamed, type Namespace } from "./namespaces.ts";
import { refuse } from "./refusal.ts";

/** IFNAMSIZ (linux/if.h), the closing NUL included. */
const IFNAMSIZ = 16;

/** Bytes of a name as the kernel has it. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** dev_prep_valid_name(): the name that a device may take, a pattern filled in. */
export function preparedName(namespace: Namespace, wanted: string): string {
  if (!isValid(wanted)) refuse("EINVAL");
  if (wanted.includes("%")) return allocated(namespace, wanted);
  return linkNamed(namespace, wanted) === null ? wanted : refuse("EEXIST");
}

/** dev_valid_name(), and what the sysctl tree has of its own. */
function isValid(name: string): boolean {
  if (["", ".", "..", "all", "default"].includes(name)) return false;
  return byteLength(name) < IFNAMSIZ && !/[/:\t-\r ]/.test(name);
}

/** __dev_alloc_name(): the lowest number that gives a free name. */
function allocated(namespace: Namespace, pattern: string): string {
  const at = pattern.indexOf("%");
  if (pattern.charAt(at + 1) !== "d" || pattern.includes("%", at + 2)) refuse("EINVAL");
  for (let number = 0; ; number++) {
    const name = pattern.replace("%d", String(number));
    if (linkNamed(namespace, name) === null) return name;
  }
}
