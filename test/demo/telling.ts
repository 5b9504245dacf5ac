/** What the demo says, to a person who reads along. */
export interface Telling {
  /** A heading, numbered. */
  step(title: string): void;
  /** One line under it. */
  say(line: string): void;
  /** Something verbatim: a file, or what a command printed. */
  show(text: string): void;
}

/** Tells on `print`, a line at a time. */
export function tellOn(print: (line: string) => void): Telling {
  let steps = 0;
  return {
    step: (title) => {
      steps += 1;
      print("");
      print(`${steps}. ${title}`);
    },
    say: (line) => print(`   ${line}`),
    show: (text) => {
      for (const line of text.trimEnd().split("\n")) print(`     | ${line}`.trimEnd());
    },
  };
}

/** How long `work` took, with what it gave: `[result, "12 ms"]`. */
export async function timed<T>(work: () => Promise<T>): Promise<[T, string]> {
  const started = performance.now();
  const result = await work();
  return [result, durationText(performance.now() - started)];
}

/** `12 ms`, `1.6 s`. */
export function durationText(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
