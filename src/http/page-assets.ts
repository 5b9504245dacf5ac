import { createHash } from "node:crypto";
import { OCCURRENCE_TYPES } from "./occurrence.ts";

/** The page's style; nothing of the page has one of its own. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --text: #1b1f24; --faint: #59636e; --line: #d9dee4;
  --good: #1a7f37; --warn: #8a5a00; --bad: #b3261e; --bad-back: #fdecea; --warn-back: #fff6e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1216; --card: #181c22; --text: #e6e9ed; --faint: #9aa4af; --line: #2c333b;
    --good: #56d364; --warn: #e3b341; --bad: #ff8f86; --bad-back: #3a1a1a; --warn-back: #33290f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.25rem; background: var(--back); color: var(--text);
  font: 0.9375rem/1.5 system-ui, sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 0.75rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 1.75rem 0 0.5rem; font-size: 1.0625rem; }
p { margin: 0.25rem 0; }
ul { margin: 0.25rem 0; padding-left: 1.25rem; }
code, .name, .address { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.9em; }
.name, li { overflow-wrap: anywhere; }
.address { white-space: nowrap; }
.faint { color: var(--faint); }
.state { font-weight: 600; white-space: nowrap; }
.state::before { content: "\\25cf\\a0"; }
.good { color: var(--good); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }
.box { margin: 0.75rem 0; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--card); }
.box h2, .box h3 { margin: 0 0 0.25rem; font-size: 1rem; }
.box.wrong { border-color: var(--bad); background: var(--bad-back); }
.problem { margin: 0.5rem 0 0; padding: 0.375rem 0.75rem; border-left: 3px solid var(--warn); background: var(--warn-back); overflow-wrap: anywhere; }
.problem.error { border-color: var(--bad); background: var(--bad-back); }
.facts { display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.3125rem 0.75rem 0.3125rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { color: var(--faint); font-weight: 500; font-size: 0.8125rem; white-space: nowrap; }
a { color: inherit; }
footer { margin-top: 2rem; }
`;

/**
 * Shows anew what has changed, when something has: a second later, and one at a time, for the host's devices are listed
 * each time. Without it the page is loaded anew every few seconds.
 */
export const SCRIPT = `
"use strict";
let busy = false;
let again = false;
async function show() {
  again = false;
  try {
    const answer = await fetch("/");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.title = page.title;
  } catch {
    again = true;
  }
  busy = false;
  if (again) soon();
}
function soon() {
  again = true;
  if (busy) return;
  busy = true;
  setTimeout(show, 1000);
}
const connection = document.querySelector("#connection");
const events = new EventSource("/v1/events");
for (const type of ${JSON.stringify(OCCURRENCE_TYPES)}) events.addEventListener(type, soon);
events.onopen = () => {
  connection.textContent = "as it happens";
  soon();
};
events.onerror = () => {
  connection.textContent = "no connection: this is how things were";
  if (events.readyState === EventSource.CLOSED) setInterval(soon, 5000);
};
`;

/** Content-Security-Policy of the page: what is on it as written here, and nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${digest(STYLE)}'`,
  `script-src '${digest(SCRIPT)}'`,
  "connect-src 'self'",
  // Its empty icon: browsers would ask for another.
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
