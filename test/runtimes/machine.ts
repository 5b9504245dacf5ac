import { Lab } from "../helpers/lab.ts";

/** A lab in which a runtime can start containers. */
export async function labForContainers(): Promise<Lab> {
  const lab = await Lab.create();
  // In the lab's own mount namespace: of the host's controllers a runtime asks more than every machine has.
  await lab.onHost("mount", "-t", "sysfs", "sysfs", "/sys");
  await lab.onHost("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup");
  return lab;
}

/** Runs `runtime ARGS` on a lab's host, with a state folder of its own. */
export function runtimeOf(lab: Lab, runtime: readonly string[]) {
  return (...args: string[]) => lab.onHost(...runtime, "--root", `${lab.folder}/runtime`, ...args);
}
