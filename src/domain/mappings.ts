import type { ContainerEvent } from "./event.ts";
import { literalPrefix } from "./glob.ts";
import type { ContainerCondition, Mapping } from "./mapping.ts";
import { asksForHardware, whyNotFor } from "./match.ts";

/** The mappings in force, so that an event need not go through all of them. */
export interface Mappings {
  /** The first mapping in order whose `container` holds for the event, or null. */
  for(event: ContainerEvent): Mapping | null;
  /** Whether any asks for devices by what only their bus tells; see {@link asksForHardware}. */
  readonly askForHardware: boolean;
}

/** Places in the order of the config, by how their condition on one text of the event begins. */
type ByPrefix = Map<string, number[]>;

/**
 * Puts each mapping under the one of its conditions that begins with the most literal characters. Those that an
 * event is looked up in are then few: for each text of the event, one for each length of such a beginning.
 */
export function indexed(mappings: readonly Mapping[]): Mappings {
  const index = new Map<string, Map<number, ByPrefix>>();
  for (const [at, { container }] of mappings.entries()) {
    const { text, prefix, length } = mostLiteral(container);
    const byLength = getOrAdd(index, text, () => new Map<number, ByPrefix>());
    const byPrefix = getOrAdd(byLength, length, (): ByPrefix => new Map());
    getOrAdd(byPrefix, prefix, () => []).push(at);
  }
  return {
    for(event) {
      const places: number[] = [];
      for (const [text, byLength] of index) {
        const value = textOf(event, text);
        if (value === null) continue;
        for (const [length, byPrefix] of byLength)
          places.push(...(byPrefix.get(value.slice(0, length)) ?? []));
      }
      for (const at of places.sort((a, b) => a - b)) {
        const mapping = mappings[at];
        if (mapping !== undefined && whyNotFor(event, mapping.container) === null) return mapping;
      }
      return null;
    },
    askForHardware: mappings.some(({ devices }) => devices.some(({ match }) => asksForHardware(match))),
  };
}

const WHOLE = Number.POSITIVE_INFINITY;
const ID = "id";
const BUNDLE = "bundle";
const ANNOTATION = "annotation ";

/** Which text of an event a mapping is looked up by, and how that has to begin; `length`: how much of it counts. */
function mostLiteral({ id, bundle, annotations }: ContainerCondition) {
  const conditions: [string, string | null][] = [
    [ID, id],
    [BUNDLE, bundle],
    ...Object.entries(annotations).map(([key, value]): [string, string] => [ANNOTATION + key, value]),
  ];
  let best = { text: ID, prefix: "", length: 0 };
  for (const [text, pattern] of conditions) {
    const prefix = pattern === null ? "" : literalPrefix(pattern);
    if (prefix.length <= best.prefix.length) continue;
    best = { text, prefix, length: prefix === pattern ? WHOLE : prefix.length };
  }
  return best;
}

/** null: the event has none, and no condition on it holds. */
function textOf({ id, bundle, annotations }: ContainerEvent, text: string): string | null {
  if (text === ID) return id;
  if (text === BUNDLE) return bundle;
  const key = text.slice(ANNOTATION.length);
  return Object.hasOwn(annotations, key) ? (annotations[key] ?? null) : null;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
