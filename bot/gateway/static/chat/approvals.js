// What waits for a yes or no in this session, in line below the messages.
import { html } from "./html.js";
import { decide } from "./actions.js";
import { visible, when } from "./names.js";
import * as state from "./state.js";
import { T } from "./strings.js";

const CHOICES = [
  ["allow-once", "primary"],
  ["allow-session", "quiet"],
  ["deny", "quiet"],
];

export function Approvals() {
  return state.waiting.value.map((row) => html`<${Approval} key=${row.id} row=${row} />`);
}

function Approval({ row }) {
  return html`
    <div role="group" aria-label=${T.approval.name} class="approval">
      <p><strong>${T.approval.title(row.tool, row.code)}</strong> ${T.approval.until(when(row.expiresAt))}</p>
      <pre tabindex="0">${visibleLines(row.command)}</pre>
      <p>${visible(row.reason)}${row.cwd && html` (<code>${visible(row.cwd)}</code>)`}</p>
      <div class="buttons">
        ${CHOICES.map(
          ([decision, look]) => html`
            <button class=${look} onClick=${() => decide(row.id, decision)}>${T.approval[decision]}</button>
          `,
        )}
      </div>
    </div>
  `;
}

const visibleLines = (text) => text.split("\n").map(visible).join("\n");
