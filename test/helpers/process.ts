import { type Namespace, namespaceOf } from "./namespace.ts";
import { commandOf } from "./proc.ts";
import { until } from "./until.ts";

/** A process that lives until it is told otherwise, and its network namespace. */
export interface Process extends AsyncDisposable {
  readonly pid: number;
  readonly netns: Namespace;
  /** Lets it end by itself, exit code 0. */
  exit(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * Starts `cat` behind `wrapper` (unshare(1), nsenter(1): they exec, so the pid is the same throughout).
 *
 * cat reads a pipe that only the test holds, so it ends with the test, however that ends.
 */
export async function startProcess(wrapper: readonly string[]): Promise<Process> {
  const child = Bun.spawn([...wrapper, "cat"], {
    cwd: "/",
    stdin: "pipe",
    stdout: "ignore",
    stderr: "inherit",
  });
  const { pid } = child;
  await until(`${wrapper.join(" ")} cat`, () => {
    if (child.exitCode !== null) throw new Error(`${wrapper.join(" ")} exited ${child.exitCode}`);
    return commandOf(pid) === "cat";
  });
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    pid,
    netns: namespaceOf(pid),
    exit: async () => {
      await child.stdin.end();
      await child.exited;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
