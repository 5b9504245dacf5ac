import * as v from "valibot";
import { quote } from "./fault.ts";
import { LISTEN, parseListen } from "./listen.ts";
import { mapping } from "./mapping-schema.ts";
import { notYet } from "./not-yet.ts";
import { parseWith } from "./parsed.ts";
import { type Rule, table } from "./table.ts";
import { flag, folder, glob, label } from "./values.ts";

const listen = v.array(
  v.pipe(v.string(LISTEN), parseWith(parseListen)),
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

/** What one file of the config may say; nothing in it is needed. */
export const fileSchema = table({
  daemon: v.exactOptional(
    table({
      spool: v.exactOptional(folder),
      results: v.exactOptional(folder),
      state: v.exactOptional(folder),
    }),
  ),
  http: v.exactOptional(
    table({ listen: v.exactOptional(listen), group: v.exactOptional(label) }, [noPlaceTwice]),
  ),
  oci: v.exactOptional(
    table(
      {
        net_devices: v.exactOptional(flag),
        allow: v.exactOptional(v.array(glob, "an array of patterns")),
      },
      [notYet("oci")],
    ),
  ),
  mapping: v.exactOptional(v.array(mapping, "an array of tables ([[mapping]])")),
});

/** What one file says. */
export type FileConfig = v.InferOutput<typeof fileSchema>;
