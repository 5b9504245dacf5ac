import type { DrillFolder } from "../service/drill/left.ts";

/** What to say of a drill that died together with its watchdog. */
export function leftText({ path, devices }: DrillFolder): string {
  const what = devices.length === 0 ? "nothing is away" : `${devices.join(", ")} away`;
  return `a drill was left in ${path}, ${what}: \`netdevd release --all\` brings home what it took, and takes it away`;
}
