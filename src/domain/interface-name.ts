/** IFNAMSIZ (linux/if.h) is 16 with the closing NUL. */
const MAX_BYTES = 15;
const encoder = new TextEncoder();

/**
 * Why the kernel would refuse `name` as an interface name, or null where it would not.
 *
 * dev_valid_name() refuses empty and long names, ".", "..", "/", ":" and white space; dev_alloc_name()
 * any "%" that is not one "%d"; the sysctl tree has "all" and "default" already. `template` allows the "%d".
 */
export function interfaceNameFault(name: string, template: boolean): string | null {
  if (name === "") return "is empty";
  const bytes = encoder.encode(name);
  if (bytes.length > MAX_BYTES) return `has ${bytes.length} bytes, and the kernel takes ${MAX_BYTES} at most`;
  if (name === "." || name === "..") return "names a folder";
  if (name === "all" || name === "default") return "is what the sysctl tree calls every device";
  if (/[/: \t-\r]/.test(name)) return 'holds a "/", ":" or white space';
  // isspace() of the kernel takes bytes, and 0xa0 for the no-break space that it is in Latin-1 (lib/ctype.c).
  if (bytes.includes(0xa0)) return "holds the byte 0xa0, which the kernel takes for white space";
  if (name.includes("\0")) return "holds a NUL";
  const rest = template ? name.replace("%d", "") : name;
  if (rest.includes("%")) return template ? 'holds a "%" that is not one "%d"' : 'holds a "%"';
  return null;
}

/** Whether `name` is a template that {@link firstFree} has to fill in. */
export function isTemplate(name: string): boolean {
  return name.includes("%d");
}

/**
 * `template` with its "%d" replaced by the lowest number that gives a name which is in none of `taken`.
 *
 * Picked here and not by the kernel: a move with "eth%d" applies the pattern twice where the old name is
 * taken in the target, and ends one too high.
 */
export function firstFree(template: string, taken: readonly ReadonlySet<string>[]): string {
  for (let number = 0; ; number++) {
    const name = template.replace("%d", String(number));
    if (!taken.some((names) => names.has(name))) return name;
  }
}

/** Whether `name` is what `asked` asks for: itself, or any number of a template. */
export function fitsName(asked: string, name: string): boolean {
  const [before = "", after = ""] = asked.split("%d");
  if (!isTemplate(asked)) return name === asked;
  const number = name.slice(before.length, name.length - after.length);
  return name === before + number + after && /^\d+$/.test(number);
}

/** Orders names as a person does: eth2 before eth10. */
export function naturalOrder(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const x = left[at] ?? "";
    const y = right[at] ?? "";
    if (x === y) continue;
    const numeric = /^\d/.test(x) && /^\d/.test(y);
    const difference = numeric ? Number(x) - Number(y) : 0;
    return difference !== 0 ? difference : x < y ? -1 : 1;
  }
  return left.length - right.length;
}
