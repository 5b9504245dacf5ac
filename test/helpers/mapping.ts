/**
 * One `[[mapping]]` of the config file, named `for-ID`, for containers whose id the glob `id` holds.
 *
 * Each of `devices` is the body of one `[[mapping.device]]`, as a user writes it.
 */
export function mappingFor(id: string, ...devices: readonly string[]): string {
  return mappingWith(id, "", ...devices);
}

/** {@link mappingFor} with `settings` of the mapping itself (`required`, `on_exit`, …). */
export function mappingWith(id: string, settings: string, ...devices: readonly string[]): string {
  const head = `[[mapping]]\nname = "for-${id}"\n${settings}\ncontainer = { id = "${id}" }\n`;
  return head + devices.map((device) => `[[mapping.device]]\n${device}\n`).join("");
}

/** The mapping that most tests need: d0 of the host is eth1 in the container c1. */
export const D0_AS_ETH1 = mappingFor("c1", 'match = { name = "d0" }\nname = "eth1"');
