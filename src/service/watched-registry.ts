import type { Attachment } from "../domain/attachment.ts";
import type { Registry } from "../engine/registry.ts";

/** An Attachment was put on record, has changed or is forgotten. null: it was not there before, or is no more. */
export type RegistryChange = (before: Attachment | null, after: Attachment | null) => void;

/** A Registry that tells of every change when it has been made. What `onChange` throws is its own to deal with. */
export function watchedRegistry(registry: Registry, onChange: RegistryChange): Registry {
  function changing(key: number, change: () => Attachment): Attachment {
    const before = registry.get(key);
    const after = change();
    onChange(before, after);
    return after;
  }

  return {
    ...registry,
    add(fields) {
      const after = registry.add(fields);
      onChange(null, after);
      return after;
    },
    update: (key, change) => changing(key, () => registry.update(key, change)),
    updateDevice: (key, at, change) => changing(key, () => registry.updateDevice(key, at, change)),
    remove(key) {
      const before = registry.get(key);
      registry.remove(key);
      if (before !== null) onChange(before, null);
    },
  };
}
