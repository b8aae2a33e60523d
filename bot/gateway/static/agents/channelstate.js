// How a channel account is connected, and what to do when it is not.
import { html } from "../ui/html.js";
import { Tag } from "../ui/parts.js";
import { T } from "../strings/agents_channels.js";

const LOOKS = { up: "good", down: "bad" };

export function State({ row }) {
  return html`
    <div class="stack">
      <${Tag} look=${LOOKS[row.state] ?? ""}>${T.states[row.state] ?? row.state}<//>
      ${row.error && html`<span class="error">${row.error}</span><span class="hint">${T.fix(row)}</span>`}
    </div>
  `;
}
