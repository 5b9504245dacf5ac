import { html, raw } from "hono/html";
import type { Readiness } from "./app.ts";
import type { ListedDevice } from "./devices.ts";
import { SCRIPT, STYLE } from "./page-assets.ts";
import {
  containerBox,
  deviceTable,
  type Html,
  homecomingBox,
  moment,
  name,
  outcomes,
  sentence,
  state,
} from "./page-parts.ts";
import { notAsTheyWere, type Status } from "./status.ts";

/** What the status page shows. */
export interface PageFacts {
  readonly status: Status;
  readonly readiness: Readiness;
  /** null: they could not be listed just now. */
  readonly devices: readonly ListedDevice[] | null;
  /** CLOCK_REALTIME, milliseconds. */
  readonly now: number;
}

/**
 * The status page, for a person: whole as it is, without anything from elsewhere. Where scripts are off it is loaded
 * anew every few seconds.
 */
export function page(facts: PageFacts): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>netdevd: ${facts.status.state}</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
${main(facts)}
<footer class="faint">
<p>Shown <span id="connection">anew every few seconds</span>. For programs: ${links()}</p>
</footer>
<script>${raw(SCRIPT)}</script>
</body>
</html>
`;
}

const NOBODY = html`<p class="faint">None: all devices are at home.</p>`;
const UNLISTED = html`<p class="bad">They could not be listed just now; the log says why.</p>`;

function main({ status, readiness, devices, now }: PageFacts): Html {
  const { containers, config, counters } = status;
  return html`<main>
<header><h1>netdevd</h1> ${state(status.state)}
<span class="faint">${status.version}, at ${moment(new Date(now).toISOString())}</span></header>
${readiness.reasons.length === 0 ? "" : wrong(readiness.reasons)}
<h2>Containers that have or want devices</h2>
${containers.length === 0 ? NOBODY : containers.map(containerBox)}
${notAsItWas(status)}
<h2>Devices of the host</h2>
${devices === null ? UNLISTED : deviceTable(devices)}
<h2>Since the start</h2>
<p class="facts">${outcomes(counters)}</p>
<h2>Config</h2>
<p>${name(config.file)}, in force since ${moment(config.loaded_at)}</p>
<p>Mappings, in the order in which they are tried: ${config.mappings.length === 0 ? "none" : list(config.mappings.map(name))}</p>
<p class="faint">Events ${name(config.spool)}, answers ${name(config.results)}, journal ${name(config.state)}</p>
</main>`;
}

function wrong(reasons: readonly string[]): Html {
  return html`<section class="box wrong" role="alert">
<h2>What is wrong</h2>
<ul>${reasons.map((reason) => html`<li>${sentence(reason)}</li>`)}</ul>
<p>Each says what mends it; <code>netdevd doctor</code> looks at the host as a whole, and the log has more.</p>
</section>`;
}

function notAsItWas(status: Status): Html | string {
  const some = notAsTheyWere(status);
  if (some.length === 0) return "";
  return html`<h2>Not as it was, of late</h2>
${some.toReversed().map(homecomingBox)}`;
}

function links(): Html[] {
  const paths = ["/v1/status", "/v1/devices", "/v1/events", "/readyz", "/metrics", "/openapi.json"];
  return list(paths.map((path) => html`<a href="${path}"><code>${path}</code></a>`));
}

function list(items: readonly Html[]): Html[] {
  return items.map((item, at) => html`${at === 0 ? "" : ", "}${item}`);
}
