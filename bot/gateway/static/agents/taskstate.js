// How a task is and when it runs next, as its list and its own view show it.
import { html } from "../ui/html.js";
import { Tag, Time } from "../ui/parts.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_tasks.js";

export const HOST = "local";

/** Is it on, and if not, why. */
export function State({ row }) {
  return html`
    <div class="stack">
      <${Tag} look=${row.enabled ? "good" : ""}>${row.enabled ? words.on : T.resting}<//>
      ${row.because && html`<span class="hint">${row.because}</span>`}
    </div>
  `;
}

export const LOOKS = { ok: "good", error: "bad", blocked: "bad" };

/** A time of a task: here, and in the task's zone where that is another one. */
export function TaskTime({ at, task }) {
  return html`<${Time} at=${at} zone=${zoneOf(task, at)} />`;
}

/** The host's zone has no name here, only its offset, which is said where the reader's is another. */
function zoneOf({ timezone }, at) {
  if (timezone !== HOST || !at) return timezone;
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(at) ?? [];
  if (!sign) return undefined;
  const offset = Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
  return offset === -new Date(at).getTimezoneOffset() ? undefined : `${sign}${hours}:${minutes}`;
}

/** The next few times of a task, here and in its own zone. */
export function Upcoming({ row }) {
  if (!row.upcoming?.length) return html`<span class="soft">${T.noNext}</span>`;
  return html`<ul>${row.upcoming.map((at) => html`<li key=${at}><${TaskTime} at=${at} task=${row} /></li>`)}</ul>`;
}
