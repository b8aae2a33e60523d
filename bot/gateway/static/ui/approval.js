// What waits for a yes or no: the whole command, why it is asked, and the answers.
import { html } from "./html.js";
import { confirm } from "./dialog.js";
import { when } from "./format.js";
import { visible } from "./names.js";
import { T } from "../strings/common.js";

const CHOICES = [
  ["allow-once", "primary"],
  ["allow-session", "quiet"],
  ["deny", "quiet"],
];

/** One approval, as `approvals.list` has it; `decide(id, decision)` answers it. */
export function Approval({ row, decide, children }) {
  return html`
    <div role="group" aria-label=${T.approval.name} class="approval">
      <p><strong>${T.approval.title(row.tool, row.code)}</strong> ${T.approval.until(when(row.expiresAt))}</p>
      <pre tabindex="0">${visibleLines(row.command)}</pre>
      <p>${visible(row.reason)}${row.cwd && html` (<code>${visible(row.cwd)}</code>)`}</p>
      ${children}
      <div class="buttons">
        ${CHOICES.map(
          ([decision, look]) => html`
            <button class=${look} onClick=${() => decide(row.id, decision)}>${T.approval[decision]}</button>
          `,
        )}
        ${row.always?.length > 0 && html`<button class="quiet" onClick=${() => always(row, decide)}>${T.approval["allow-always"]}</button>`}
      </div>
    </div>
  `;
}

/** For always is asked once more, with what exactly that would mean. */
async function always(row, decide) {
  const programs = row.always.map(({ program, script }) => T.approval.program(visible(program), script && visible(script)));
  const text = T.approval.alwaysText(visible(row.agentId), programs.join(", "));
  if (await confirm({ title: T.approval.alwaysTitle, text, action: T.approval["allow-always"] })) decide(row.id, "allow-always");
}

const visibleLines = (text) => text.split("\n").map(visible).join("\n");
