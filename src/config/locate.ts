import { type Fault, pathText } from "./fault.ts";
import type { Finding, Source } from "./finding.ts";
import { type Positions, positionsOf } from "./positions.ts";

/** `findings` with the lines that they are about. */
export async function locate(findings: readonly Finding[]): Promise<readonly Fault[]> {
  const known = new Map<Source, Positions>();
  const positionsIn = async (source: Source) => {
    const positions = known.get(source) ?? (await positionsOf(source.text));
    known.set(source, positions);
    return positions;
  };
  const faults: Fault[] = [];
  for (const { source, path, at, message, expected, other } of findings) {
    const { line, column } = (await positionsIn(source))(path, at);
    let elsewhere = "";
    if (other !== null) {
      const first = (await positionsIn(other.source))(other.path, at);
      elsewhere = ` ${other.source.file}:${first.line}:${first.column}`;
    }
    faults.push({
      file: source.file,
      line,
      column,
      path: pathText(path),
      message: `${message}${elsewhere}`,
      expected,
    });
  }
  return faults;
}
