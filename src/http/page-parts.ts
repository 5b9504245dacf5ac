import { html } from "hono/html";
import type { Guard } from "../domain/guard.ts";
import type { Problem } from "../domain/verdict.ts";
import type { DeviceHolder, ListedDevice } from "./devices.ts";
import { mendOf } from "./mends.ts";
import type { StatusContainer, StatusDevice, StatusHomecoming } from "./status.ts";
import { visible } from "./visible.ts";

/** Markup whose inserted texts are escaped. */
export type Html = ReturnType<typeof html>;

/** What looks how; what is not named is neither good nor bad. */
const LOOKS: Readonly<Record<string, string>> = {
  ready: "good",
  attached: "good",
  inside: "good",
  up: "good",
  degraded: "bad",
  stuck: "bad",
  gone: "bad",
  stopping: "warn",
  pending: "warn",
  attaching: "warn",
  moving: "warn",
  returning: "warn",
};

/** A state, in its colour. */
export function state(text: string): Html {
  return html`<span class="state ${LOOKS[text] ?? "faint"}">${visible(text)}</span>`;
}

/** A text that somebody else has chosen, by itself: it turns nothing beside it around. */
export function name(text: string): Html {
  return html`<bdi class="name">${visible(text)}</bdi>`;
}

function address(text: string | null): Html {
  return html`<span class="address">${visible(text ?? "")}</span>`;
}

/** A sentence with such texts in it. */
export function sentence(text: string): Html {
  return html`<bdi>${visible(text)}</bdi>`;
}

/** A moment, in UTC to the second. */
export function moment(iso8601: string): Html {
  return html`<time datetime="${iso8601}">${iso8601.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time>`;
}

/** How many events came to which outcome. */
export function outcomes(counters: Readonly<Record<string, number>>): Html[] {
  return Object.entries(counters).map(([outcome, count]) => html`<span>${outcome} <b>${count}</b></span> `);
}

/** A text of ours, what it has in backticks as code. */
function withCode(text: string): Html[] {
  return text.split("`").map((part, at) => (at % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
}

/** A container with its devices, and what is wrong with it. */
export function containerBox(container: StatusContainer): Html {
  const { id, pid, netns, mapping, since, devices, warnings, error } = container;
  return html`<section class="box">
<h3>${name(id)} ${state(container.state)}</h3>
<p class="facts faint">
<span>mapping ${name(mapping)}</span>
<span>${pid === null ? name(netns ?? "") : `pid ${pid}`}</span>
<span>since ${moment(since)}</span>
</p>
${devices.length === 0 ? "" : insideTable(devices)}
${warnings.map((warning) => problem(warning, false))}
${error === null ? "" : problem(error, true)}
</section>
`;
}

function insideTable(devices: readonly StatusDevice[]): Html {
  return html`<div class="scroll"><table>
<thead><tr>${heads("On the host", "Inside", "State", "Addresses", "MAC", "MTU")}</tr></thead>
<tbody>${devices.map(insideRow)}</tbody>
</table></div>`;
}

function insideRow(device: StatusDevice): Html {
  return html`<tr>
<td>${name(device.host_name)}</td>
<td>${name(device.name)} <span class="faint">(${device.ifindex})</span></td>
<td>${state(device.state)}</td>
<td>${device.addresses.map((one) => html`<div>${address(one)}</div>`)}</td>
<td>${address(device.mac)}</td>
<td>${device.mtu}</td>
</tr>
`;
}

/** What to do about a device that is stuck: the message says what is in the way. */
const STUCK =
  "it is tried again by itself, every few seconds and when the host's devices change; see to what is in the way, or try at once with `netdevd release`";

function problem({ code, message }: Problem, isError: boolean): Html {
  const mend = code === "stuck" ? STUCK : mendOf(code);
  return html`<div class="problem${isError ? " error" : ""}">
<code>${code}</code>: ${sentence(message)}
${mend === null ? "" : html`<p>What to do: ${withCode(mend)}</p>`}
</div>
`;
}

/** How much is shown of what one device lacks. */
const WARNINGS = 3;

/** A device that came home, or is no more, with what was told of it. */
export function homecomingBox({ at, container, mapping, device, outcome, warnings }: StatusHomecoming): Html {
  return html`<section class="box">
<h3>${name(device)} ${state(outcome)}</h3>
<p class="facts faint">
<span>container ${name(container)}</span>
<span>mapping ${name(mapping)}</span>
<span>${moment(at)}</span>
</p>
${warnings.slice(0, WARNINGS).map(({ code, message }) => html`<div class="problem"><code>${code}</code>: ${sentence(message)}</div>`)}
${warnings.length > WARNINGS ? html`<p>and ${warnings.length - WARNINGS} more, which <code>/v1/status</code> has</p>` : ""}
</section>
`;
}

/** The table of the host's devices. */
export function deviceTable(devices: readonly ListedDevice[]): Html {
  if (devices.length === 0) return html`<p class="faint">None.</p>`;
  return html`<div class="box scroll"><table>
<thead><tr>${heads("Name", "State", "Driver or kind", "MAC", "PCI", "Held by", "Guards")}</tr></thead>
<tbody>${devices.map(deviceRow)}</tbody>
</table></div>`;
}

function deviceRow(device: ListedDevice): Html {
  const { holder, guards, altnames } = device;
  return html`<tr>
<td>${name(device.name)}${altnames.map((altname) => html`<div class="faint">${name(altname)}</div>`)}</td>
<td>${state(device.state)}</td>
<td>${sentence(device.driver ?? device.kind ?? "")}</td>
<td>${address(device.mac)}</td>
<td>${address(device.pci)}</td>
<td>${holder === null ? "" : holderCell(holder)}</td>
<td>${guards.map(guardText)}</td>
</tr>
`;
}

function holderCell({ containers, name: inside, mapping }: DeviceHolder): Html {
  return html`${containers.map((id) => html`<div>${name(id)}</div>`)}
<div class="faint">as ${name(inside)}, mapping ${name(mapping)}</div>`;
}

function guardText({ reason, liftable }: Guard): Html {
  const lifts = html` <span class="faint">(<code>force</code> lifts it)</span>`;
  return html`<div>${sentence(reason)}${liftable ? lifts : ""}</div>`;
}

function heads(...titles: readonly string[]): Html[] {
  return titles.map((title) => html`<th scope="col">${title}</th>`);
}
