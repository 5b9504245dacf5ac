import * as v from "valibot";

/** A value read from its spelling in the config, or why it cannot be. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly expected: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** What is wrong (`"10.0.0" is no IP address`), and what was expected. */
export function unparsed(message: string, expected: string): Parsed<never> {
  return { ok: false, message, expected };
}

/** `parse` as a step of a valibot pipe. */
export function parseWith<TInput, TOutput>(parse: (input: TInput) => Parsed<TOutput>) {
  return v.rawTransform<TInput, TOutput>(({ dataset, addIssue, NEVER }) => {
    const result = parse(dataset.value);
    if (result.ok) return result.value;
    addIssue({ message: result.message, expected: result.expected });
    return NEVER;
  });
}
