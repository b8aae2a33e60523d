// What the tabs of an agent have in common: links that stay in the page, buttons that say how it
// went, sections with a heading, and what a tab shows while it reads.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { Failed } from "../ui/table.js";
import { told } from "../ui/toast.js";
import { T as common } from "../strings/common.js";

/** The address of an agent's tab; `query` names what is open in it. */
export function place(id, tab, query = null) {
  const text = new URLSearchParams(query || {}).toString();
  return `/agents/${encodeURIComponent(id)}/${tab}${text && `?${text}`}`;
}

/** Another address in place of this one: the back button does not come here again. */
export function replace(address) {
  history.replaceState(null, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** A link within the page, that opens without loading it anew. */
export function Inside({ to, children, ...rest }) {
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${to} onClick=${press} ...${rest}>${children}</a>`;
}

/** A button that does something once at a time; `about` tells equal buttons of a list apart. */
export function Act({ name, about, run, done = "", look = "button", ...rest }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await told(run, done);
    setBusy(false);
  };
  return html`
    <button type="button" class=${look} disabled=${busy} aria-busy=${busy ? "true" : undefined}
      aria-label=${about ? `${name}: ${about}` : undefined} onClick=${press} ...${rest}>${name}</button>
  `;
}

/** A button that opens something of its own: `children(close)` is shown after it was pressed. */
export function Opens({ name, about, look = "button", children }) {
  const [open, setOpen] = useState(false);
  const label = about ? `${name}: ${about}` : undefined;
  return html`
    <button type="button" class=${look} aria-label=${label} aria-haspopup="dialog" onClick=${() => setOpen(true)}>${name}</button>
    ${open && children(() => setOpen(false))}
  `;
}

/** A part of a tab. `actions` stand beside its heading. */
export function Part({ name, hint, actions, children }) {
  return html`
    <section class="part" aria-label=${name}>
      <div class="part-head"><h2>${name}</h2>${actions && html`<div class="actions">${actions}</div>`}</div>
      ${hint && html`<p class="hint">${hint}</p>`}
      ${children}
    </section>
  `;
}

/** What stands in the place of something that is not there yet, or null. */
export function pending(live) {
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  return live.data ? null : html`<p class="soft state loading">${common.loading}</p>`;
}

/** Names as people write lists: parted by commas or line ends. */
export const listed = (text) => text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
