// The head of the page: where we are and which model answers.
import { html } from "../ui/html.js";
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
      <${ModelPicker} />
      <button class="quiet icon maker" aria-label=${T.newSession} onClick=${() => (state.dialogOpen.value = true)}>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M10 4v12M4 10h12" /></svg>
      </button>
    </header>
  `;
}

function ModelPicker() {
  const agent = state.agent.value;
  if (!agent) return null;
  const chosen = state.session.value?.model ?? "";
  const ready = state.models.value.filter((one) => one.ready).map((one) => one.ref);
  return html`
    <label class="model">
      <span class="unseen">${T.model}</span>
      <select value=${chosen} onChange=${(event) => chooseModel(event.currentTarget.value || null)}>
        <option value="">${T.agentDefault(agent.model.primary)}</option>
        ${chosen && !ready.includes(chosen) && html`<option value=${chosen} disabled>${T.notReady(chosen)}</option>`}
        ${ready.map((ref) => html`<option value=${ref}>${ref}</option>`)}
      </select>
    </label>
  `;
}
