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
      <button class="primary wide" onClick=${() => (state.dialog.value = { name: "new" })}>${T.newSession}</button>
      <input type="search" id="find" aria-label=${T.find} placeholder=${T.find} value=${state.sought.value} onKeyDown=${press}
        onInput=${(event) => (state.sought.value = event.currentTarget.value)} />
      <nav aria-label=${T.sessions}>
        <ul>${state.listed.value.map((one) => html`<${Row} key=${one.sessionKey} session=${one} />`)}</ul>
        ${state.listed.value.length === 0 && html`<p class="soft none">${T.nothingFound}</p>`}
        <${Archived} />
      </nav>
    </div>
  `;
}

/** Enter goes to the first that was found, Esc gives up the search. */
function press(event) {
  const first = state.listed.value[0];
  if (event.key === "Enter" && first) visit(first.sessionKey);
  if (event.key === "Enter" || event.key === "Escape") state.sought.value = "";
  if (event.key !== "Escape") return;
  event.stopPropagation();
  document.getElementById("message")?.focus();
}

function Archived() {
  const count = state.archivedCount.value;
  if (!count) return null;
  const open = state.archivedShown.value;
  return html`
    <button class="quiet wide" aria-expanded=${String(open)} onClick=${() => (state.archivedShown.value = !open)}>
      ${T.archived(count)}
    </button>
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
  const unread = state.isUnread(session);
  return html`
    <li class=${unread ? "unread" : ""}>
      <a class="row" href=${`#${session.sessionKey}`} aria-current=${here ? "page" : undefined} title=${`${name}, ${from}`}
        onClick=${() => (state.drawerOpen.value = false)}>
        <span class=${`letter hue${hue}`} aria-hidden="true">${letter}</span>
        <bdi class="name">${name}</bdi>
        ${session.pinned && html`<${Pin} />`}
        ${unread && html`<span class="new"><span class="unseen">${T.unread}</span></span>`}
        ${busy
          ? html`<span class="live"><span class="unseen">${T.running}</span></span>`
          : html`<time class="soft" dateTime=${session.updatedAt}>${when(session.updatedAt)}</time>`}
      </a>
      ${session.sessionId &&
      html`<button class="quiet icon more" aria-label=${T.more(name)} onClick=${() => (state.dialog.value = { name: "row", session })}>
        <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="M4.5 10h.01M10 10h.01M15.5 10h.01" /></svg>
      </button>`}
    </li>
  `;
}

function Pin() {
  return html`<svg viewBox="0 0 20 20" width="14" height="14" role="img" aria-label=${T.pinned}>
    <path d="M7 3h6l-1 6 3 3H5l3-3zM10 12v5" />
  </svg>`;
}

function Cross() {
  return html`<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
    <path d="M5 5l10 10M15 5L5 15" />
  </svg>`;
}
