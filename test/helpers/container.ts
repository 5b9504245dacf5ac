import { mustRun } from "./command.ts";
import type { Namespace } from "./namespace.ts";
import { holdersOf, netnsOf } from "./proc.ts";
import { type Process, startProcess } from "./process.ts";
import { until } from "./until.ts";

/** Where a container's network namespace comes from. */
export interface ContainerOptions {
  /** Share the namespace of this one, as containers of a pod do. */
  readonly sharing?: Process;
  /** Own it by a user namespace of the container's own, as rootless runtimes do. */
  readonly userNamespace?: boolean;
  /** Have a mount namespace of its own, with a /run in which it may do as it likes. */
  readonly mountNamespace?: boolean;
}

/** Starts what netdevd takes for a container: a process in a network namespace that is not the host's. */
export async function startContainer(options: ContainerOptions = {}): Promise<Process> {
  const { sharing, userNamespace = false, mountNamespace = false } = options;
  if (sharing !== undefined) return startProcess(["nsenter", `--net=${sharing.netns.path}`]);
  const user = userNamespace ? ["--user", "--map-root-user"] : [];
  const mounts = mountNamespace ? ["--mount", "--propagation", "private"] : [];
  const container = await startProcess(["unshare", ...user, ...mounts, "--net"]);
  if (mountNamespace) await inContainer(container, "mount -t tmpfs none /run");
  return container;
}

/** Runs a shell's script in the network and mount namespaces of a container. */
export async function inContainer({ pid }: Process, script: string): Promise<string> {
  return await mustRun(["nsenter", "--target", String(pid), "--net", "--mount", "--", "sh", "-ec", script]);
}

/** Tells of each network namespace whether it still exists, though no process is in it any more. */
export interface Witness {
  /** Ties one end of a veth pair into a container's namespace; the kernel destroys both ends with it. */
  watch(container: Process): Promise<void>;
  /** Waits until all that were watched are destroyed. */
  allGone(within?: number): Promise<void>;
}

/** High enough that no device which a test moves in has that number already. */
const FIRST_INDEX = 90_000;

export function witnessIn(netns: Namespace): Witness {
  let watched = 0;
  /** By what the witness calls them. */
  const identities = new Map<string, string>();
  return {
    watch: async (container) => {
      const index = FIRST_INDEX + ++watched;
      identities.set(`w${container.pid}`, netnsIdentity(container));
      await netns.ip(
        `link add w${container.pid} index ${index} type veth peer name witness index ${index} netns ${container.pid}`,
      );
    },
    allGone: async (within = 3_000) => {
      // Some kernels give every namespace devices of their own: gre0, erspan0.
      const left = async () => (await netns.names()).filter((name) => /^w\d+$/.test(name));
      await until(
        "dead containers' network namespaces to be let go of",
        async () => (await left()).length === 0,
        {
          within,
          detail: async () => (await left()).map((name) => heldText(name, identities.get(name))).join("\n"),
        },
      );
    },
  };
}

function heldText(name: string, netns = "?"): string {
  const holders = holdersOf(netns);
  const by = holders.length > 0 ? holders.join(", ") : "nothing that /proc shows";
  return `still there is ${netns} of pid ${name.slice(1)}, held by ${by}`;
}

/** The namespace of a living process as `net:[…]`. */
export function netnsIdentity(process: Process): string {
  const identity = netnsOf(process.pid);
  if (identity === null) throw new Error(`process ${process.pid} has ended`);
  return identity;
}
