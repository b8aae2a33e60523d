// The line above every page while the configuration file has a mistake: what runs goes on, and the
// next start would refuse. Looked for with every tick, so that it goes away when it is mended.
import { signal } from "../vendor/signals.js";
import { html } from "./html.js";
import { visible } from "./names.js";
import { on, onOpen, rpc } from "./rpc.js";
import { T } from "../strings/common.js";

const state = signal({ ok: true });

/** Begin to look. */
export function watchFile() {
  onOpen(look);
  on(["tick", "agents.changed"], look);
}

/** Ask now; without an answer the last one stays. */
export async function look() {
  try {
    state.value = await rpc("config.state");
  } catch {
    // The next reconnect asks again.
  }
}

export function Broken() {
  const { ok, count, first } = state.value;
  if (ok) return null;
  const place = first.line ? T.broken.line(first.line) : "";
  return html`
    <div class="banner broken" role="alert">
      <p><strong>${T.broken.title}</strong> ${place}<bdi>${visible([first.key, first.what].filter(Boolean).join(": "))}</bdi>${first.fix && html`; <bdi>${visible(first.fix)}</bdi>`}. ${count > 1 && T.broken.more(count - 1)} ${T.broken.runs}</p>
      <a class="button" href="/settings">${T.broken.mend}</a>
    </div>
  `;
}
