// The head of the page: where we are, which model answers, and how full its context is.
import { html } from "../ui/html.js";
import { number } from "../ui/format.js";
import { chooseModel } from "./actions.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

export function Header() {
  return html`
    <header class="top">
      <button class="quiet icon opener" aria-label=${T.openSessions} aria-expanded=${state.drawerOpen.value}
        onClick=${() => (state.drawerOpen.value = true)}>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M3 5.5h14M3 10h14M3 14.5h14" /></svg>
      </button>
      <h1 dir="auto">${state.sessionName.value}</h1>
      ${state.isDemo.value && html`<span class="tag">${T.demoLabel}</span>`}
      <${Context} />
      <${ModelPicker} />
      <button class="quiet icon maker" aria-label=${T.newSession} onClick=${() => (state.dialog.value = { name: "new" })}>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M10 4v12M4 10h12" /></svg>
      </button>
    </header>
  `;
}

/** How much of what the model can read at once is in use. */
function Context() {
  const { contextUsed: used, contextLimit: limit } = state.session.value ?? {};
  if (!used || !limit) return null;
  const words = T.context(number(used), number(limit));
  const share = Math.min(1, used / limit);
  return html`
    <span class="context" title=${words}>
      <meter aria-label=${words} min="0" max="1" high="0.85" value=${share}></meter>
      <span aria-hidden="true">${T.percent(Math.max(1, Math.round(share * 100)))}</span>
    </span>
  `;
}

/** A model with its price, where that is known. */
export function price({ ref, cost }) {
  return cost ? T.priced(ref, cost.input ?? 0, cost.output ?? 0) : ref;
}

function ModelPicker() {
  const agent = state.agent.value;
  if (!agent) return null;
  const chosen = state.session.value?.model ?? "";
  const ready = state.models.value.filter((one) => one.ready);
  const known = state.models.value.find((one) => one.ref === chosen);
  return html`
    <label class="model">
      <span class="unseen">${T.model}</span>
      <select value=${chosen} title=${T.modelHint} onChange=${(event) => chooseModel(event.currentTarget.value || null)}>
        <option value="">${T.agentDefault(agent.model.primary)}</option>
        ${chosen && !known?.ready && html`<option value=${chosen} disabled>${T.notReady(chosen, known?.reason)}</option>`}
        ${ready.map((one) => html`<option value=${one.ref}>${price(one)}</option>`)}
      </select>
    </label>
  `;
}
