// The page as a whole, and the keys that work everywhere on it.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { step, stop } from "./actions.js";
import * as state from "./state.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/chat.js";
import { Composer } from "./composer.js";
import { Dialogs } from "./dialog.js";
import { Header } from "./header.js";
import { Messages } from "./messages.js";
import { Sidebar } from "./sidebar.js";

export function App() {
  useEffect(() => {
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    document.title = common.title(state.sessionName.value);
  }, [state.sessionName.value]);
  return html`
    <div class="page">
      <${Sidebar} />
      ${state.drawerOpen.value && html`<div class="shade" onClick=${() => (state.drawerOpen.value = false)}></div>`}
      <main id="main" tabindex="-1" inert=${state.drawerOpen.value}>
        <${Header} />
        <${Notice} />
        <${Messages} />
        <${Touring} />
        <${Composer} />
      </main>
      <${Dialogs} />
    </div>
  `;
}

/** The tour's part of the page comes when its session is opened. */
function Touring() {
  const [Tour, setTour] = useState(null);
  const on = state.isTour.value;
  useEffect(() => void (on && !Tour && import("./tour.js").then((found) => setTour(() => found.Tour))), [on]);
  return on && Tour && html`<${Tour} />`;
}

function press(event) {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (state.dialog.value || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") escape();
  else if (command && key === "k") state.dialog.value = { name: "palette" };
  else if (command && event.shiftKey && key === "o") state.dialog.value = { name: "new" };
  else if (event.altKey && event.key === "ArrowUp") step(-1);
  else if (event.altKey && event.key === "ArrowDown") step(1);
  else if (!writes(event.target) && key === "/") find();
  else if (!writes(event.target) && key === "?") state.dialog.value = { name: "keys" };
  else return;
  event.preventDefault();
}

/** Where letters are written they are no commands. */
const writes = (target) => /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName ?? "");

function find() {
  if (matchMedia("(max-width: 760px)").matches) state.drawerOpen.value = true;
  requestAnimationFrame(() => document.getElementById("find").focus());
}

/** What Esc means first: put away what lies on top, then stop the run. */
function escape() {
  if (state.drawerOpen.value) state.drawerOpen.value = false;
  else if (state.notice.value) state.notice.value = "";
  else stop();
}

/** What went wrong with the last thing asked. */
function Notice() {
  if (!state.notice.value) return null;
  return html`
    <p class="notice" role="alert">
      <span>${state.notice.value}</span>
      <button class="quiet" onClick=${() => (state.notice.value = "")}>${T.close}</button>
    </p>
  `;
}
