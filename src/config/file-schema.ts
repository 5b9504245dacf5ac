import * as v from "valibot";
import { DEFAULT_CONFIG, DEFAULT_LISTEN } from "./config.ts";
import { quote } from "./fault.ts";
import { LISTEN, LISTEN_PATTERN, parseListen } from "./listen.ts";
import { mapping } from "./mapping-schema.ts";
import { parseWith } from "./parsed.ts";
import { type Rule, table } from "./table.ts";
import { flag, folder, glob, label } from "./values.ts";

const listen = v.array(
  v.pipe(v.string(LISTEN), v.metadata({ pattern: LISTEN_PATTERN }), parseWith(parseListen)),
  `an array of places to listen at: ${LISTEN}`,
);

const noPlaceTwice: Rule = function* (http) {
  if (!Array.isArray(http.listen)) return;
  const seen = new Set<string>();
  for (const [at, text] of http.listen.entries()) {
    const place = typeof text === "string" ? parseListen(text) : null;
    if (place?.ok !== true) continue;
    const { value } = place;
    // Port 0 is another one each time.
    if (value.type === "tcp" && value.port === 0) continue;
    const key = value.type === "unix" ? value.path : `${value.hostname} ${value.port}`;
    if (seen.has(key)) {
      const message = `${quote(text)} is there already`;
      yield { path: ["listen", at], at: "value", message, expected: "each place once" };
    }
    seen.add(key);
  }
};

const spool = v.pipe(
  folder,
  v.metadata({ description: "where events are dropped; 0700", default: DEFAULT_CONFIG.daemon.spool }),
);

const results = v.pipe(
  folder,
  v.metadata({ description: "one answer for each event; 0755", default: DEFAULT_CONFIG.daemon.results }),
);

const state = v.pipe(
  folder,
  v.metadata({
    description:
      "journal, lock, pinned namespaces; 0700; best on a tmpfs, to last as long as the namespaces do",
    default: DEFAULT_CONFIG.daemon.state,
  }),
);

const http = table(
  {
    listen: v.exactOptional(
      v.pipe(
        listen,
        v.metadata({
          description:
            'unix sockets, and loopback ports: `"127.0.0.1:9469"`, `"[::1]:9469"`; `[]` serves nobody',
          default: [DEFAULT_LISTEN],
        }),
      ),
    ),
    group: v.exactOptional(
      v.pipe(label, v.metadata({ description: "the group that may use the unix socket" })),
    ),
  },
  [noPlaceTwice],
);

const oci = v.pipe(
  table({
    net_devices: v.exactOptional(
      v.pipe(
        flag,
        v.metadata({
          description:
            "whether a container gets what `linux.netDevices` in its bundle's `config.json` asks for (OCI runtime-spec 1.3)",
          default: DEFAULT_CONFIG.oci.netDevices,
        }),
      ),
    ),
    allow: v.exactOptional(
      v.pipe(
        v.array(glob, "an array of patterns"),
        v.metadata({
          description: "patterns for the names of the devices that bundles may ask for; `[]`: none",
          default: [...DEFAULT_CONFIG.oci.allow],
        }),
      ),
    ),
  }),
  v.transform(({ net_devices, allow }) => ({
    ...(net_devices === undefined ? {} : { netDevices: net_devices }),
    ...(allow === undefined ? {} : { allow }),
  })),
);

/** What one file of the config may say; nothing in it is needed. */
export const fileSchema = table({
  daemon: v.exactOptional(
    v.pipe(
      table({
        spool: v.exactOptional(spool),
        results: v.exactOptional(results),
        state: v.exactOptional(state),
      }),
      v.metadata({ description: "the folders of the daemon" }),
    ),
  ),
  http: v.exactOptional(v.pipe(http, v.metadata({ description: "where the status is served" }))),
  oci: v.exactOptional(v.pipe(oci, v.metadata({ description: "what is asked for by bundles" }))),
  mapping: v.exactOptional(
    v.pipe(
      v.array(mapping, "an array of tables ([[mapping]])"),
      v.metadata({
        description: "which containers get which of this host's devices; the first that is for one applies",
      }),
    ),
  ),
});

/** What one file says. */
export type FileConfig = v.InferOutput<typeof fileSchema>;
