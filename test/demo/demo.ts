import { tellStory } from "./story.ts";
import { durationText, tellOn } from "./telling.ts";

// The whole of netdevd in private network namespaces, told to a person; exits 1 where anything is not as told.

/** What the demo runs, and which package of Debian has it. */
const TOOLS = { ip: "iproute2", unshare: "util-linux", nsenter: "util-linux", setpriv: "util-linux" };

process.exit(await main());

async function main(): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => interrupt.abort(new Error(`it was interrupted by ${signal}`)));
  }
  const started = performance.now();
  try {
    mustBeAble();
    console.log(
      "netdevd demo: a network device goes into a container, is used, and comes home with all it had",
    );
    await tellStory(tellOn(console.log), interrupt.signal);
    const time = durationText(performance.now() - started);
    console.log(
      `\nThat was all, in ${time}: every promise above was checked, and nothing of the demo is left behind.`,
    );
    return 0;
  } catch (error) {
    // What was under way when the interrupt came has failed of it.
    const cause: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    console.error(`\nThe demo FAILED: ${cause instanceof Error ? cause.message : String(cause)}`);
    console.error("Nothing of the demo is left behind.");
    return 1;
  }
}

function mustBeAble(): void {
  if (process.getuid?.() !== 0) throw new Error("it makes network namespaces: run it as root");
  for (const [tool, tools] of Object.entries(TOOLS)) {
    if (Bun.which(tool) === null) throw new Error(`${tool} is missing: install ${tools}`);
  }
}
