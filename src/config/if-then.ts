/** JSON Schema's `if` and `then`: what meets `condition` has to meet `consequence` too. */
export function ifThen<const Condition, const Consequence>(condition: Condition, consequence: Consequence) {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema (2020-12, 10.2.2.1), and nothing is awaited here
  return { if: condition, then: consequence };
}
