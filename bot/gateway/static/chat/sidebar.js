// The sessions of the agent in view, and the agents where there are several.
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { when } from "../ui/format.js";
import { channelMark, channelOf, shortName, visible } from "../ui/names.js";
import { visit } from "./actions.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

export function Sidebar() {
  const open = state.drawerOpen.value;
  const closer = useRef(null);
  useLayoutEffect(() => void (open && closer.current.focus()), [open]);
  return html`
    <div class=${open ? "side open" : "side"}>
      <div class="brand">
        <img src="/static/ui/icon.svg" alt="" width="28" height="28" />
        <span>${T.product}</span>
        <button class="quiet icon closer" ref=${closer} aria-label=${T.closeSessions} onClick=${() => (state.drawerOpen.value = false)}>
          <${Cross} />
        </button>
      </div>
      <${AgentPicker} />
      <button class="primary wide" onClick=${() => (state.dialogOpen.value = true)}>${T.newSession}</button>
      <nav aria-label=${T.sessions}>
        <ul>${state.listed.value.map((one) => html`<${Row} key=${one.sessionKey} session=${one} />`)}</ul>
      </nav>
    </div>
  `;
}

function AgentPicker() {
  const agents = state.agents.value;
  if (agents.length < 2) return null;
  return html`
    <label class="field">
      <span>${T.agent}</span>
      <select value=${state.agent.value?.id} onChange=${(event) => visit(state.mainKey(event.currentTarget.value))}>
        ${agents.map((one) => html`<option value=${one.id}>${visible(one.name)}</option>`)}
      </select>
    </label>
  `;
}

function Row({ session }) {
  const here = session.sessionKey === state.sessionKey.value;
  const busy = state.busyElsewhere.value.has(session.sessionKey);
  const channel = channelOf(session.origin);
  const { letter, hue } = channelMark(channel);
  const from = T.channel(channel ?? T.web);
  const name = shortName(session, state.agent.value);
  return html`
    <li>
      <a class="row" href=${`#${session.sessionKey}`} aria-current=${here ? "page" : undefined} title=${`${name}, ${from}`}
        onClick=${() => (state.drawerOpen.value = false)}>
        <span class=${`letter hue${hue}`} aria-hidden="true">${letter}</span>
        <bdi class="name">${name}</bdi>
        ${busy
          ? html`<span class="live"><span class="unseen">${T.running}</span></span>`
          : html`<time class="soft" dateTime=${session.updatedAt}>${when(session.updatedAt)}</time>`}
      </a>
    </li>
  `;
}

function Cross() {
  return html`<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
    <path d="M5 5l10 10M15 5L5 15" />
  </svg>`;
}
