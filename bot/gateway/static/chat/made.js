// The task that was just made, with the way to it.
import { html } from "../ui/html.js";
import { visible } from "../ui/names.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

export function Made() {
  const task = state.made.value;
  if (!task) return null;
  const page = `/agents/${encodeURIComponent(task.agentId)}/tasks?task=${encodeURIComponent(task.id)}`;
  return html`
    <p class="made" role="status">
      <span>${T.scheduled} <a href=${page}><bdi>${visible(task.name)}</bdi></a>: ${task.said}</span>
      <button type="button" class="quiet" onClick=${() => (state.made.value = null)}>${T.close}</button>
    </p>
  `;
}
