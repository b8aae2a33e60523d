// What can be done with a message: copy it, link to it, go on from it elsewhere, ask again, ask why.
import { html } from "../ui/html.js";
import { CopyButton } from "../ui/copy.js";
import { WhyButton } from "../ui/why.js";
import { edit, fork } from "./branching.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

/** A stored message has a number; what is on its way has none yet. */
const isStored = (item) => /^[0-9]+$/.test(item.id ?? "");

export function QuestionActs({ item }) {
  const stored = isStored(item) && item.state !== "queued";
  return html`
    <span class="acts">
      ${item.text && html`<${CopyButton} text=${item.text} />`}
      ${stored && html`<button class="quiet" onClick=${() => edit(item)}>${T.edit}</button>`}
      ${stored && html`<${Both} item=${item} />`}
    </span>
  `;
}

export function AnswerActs({ item, last }) {
  return html`
    <span class="acts">
      ${item.text && html`<${CopyButton} text=${item.text} />`}
      ${last && html`<button class="quiet" onClick=${() => (state.dialog.value = { name: "retry" })}>${T.retry}</button>`}
      ${isStored(item) && html`<${Both} item=${item} />`}
      ${item.runId && html`<${WhyButton} id=${item.runId} />`}
    </span>
  `;
}

function Both({ item }) {
  const address = `${location.origin}/chat#${state.sessionKey.value}/${item.id}`;
  return html`
    <button class="quiet" onClick=${() => fork(item.id)}>${T.fork}</button>
    <${CopyButton} text=${address} name=${T.link} />
  `;
}
