// What an empty session says, and what the demo model can be asked to show.
import { html } from "../ui/html.js";
import { send } from "./sending.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

export function Empty() {
  const demo = state.isDemo.value && !state.isTour.value;
  return html`
    <section class="empty">
      <p class="big">${T.emptyTitle}</p>
      <p>${demo ? T.emptyDemo : T.emptyText}</p>
      ${demo && html`<${Chips} /><p><a href="/start">${T.firstSteps}</a></p>`}
    </section>
  `;
}

export function Chips() {
  return html`
    <ul class="chips" aria-label=${T.demoLabel}>
      ${T.demo.map(([name, text]) => html`<li><button class="chip" onClick=${() => send(text)}>${name}</button></li>`)}
    </ul>
  `;
}
