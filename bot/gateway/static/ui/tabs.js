// Tabs: one is in the tab order, arrow keys, Home and End move between them and show as they go.
import { useRef } from "../vendor/preact-hooks.js";
import { html } from "./html.js";

/** `tabs` are `{id, name}`; `choose(id)` shows one; the children are what the current one holds. */
export function Tabs({ name, tabs, current, choose, children }) {
  const list = useRef(null);
  const press = (event) => {
    const at = tabs.findIndex((one) => one.id === current);
    const next = target(event.key, at, tabs.length, getComputedStyle(list.current).direction === "rtl");
    if (next === null) return;
    event.preventDefault();
    choose(tabs[next].id);
    list.current.children[next].focus();
  };
  return html`
    <div role="tablist" aria-label=${name} class="tabs" ref=${list} onKeyDown=${press}>
      ${tabs.map(
        ({ id, name: label }) => html`
          <button type="button" role="tab" id=${`tab-${id}`} key=${id} aria-selected=${String(id === current)}
            aria-controls=${id === current ? "tab-panel" : undefined} tabindex=${id === current ? 0 : -1}
            onClick=${() => choose(id)}>${label}</button>
        `,
      )}
    </div>
    <div role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${current}`} tabindex="0" class="panel">
      ${children}
    </div>
  `;
}

function target(key, at, count, rtl) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key !== "ArrowLeft" && key !== "ArrowRight") return null;
  const forward = (key === "ArrowRight") !== rtl;
  return (at + (forward ? 1 : -1) + count) % count;
}
