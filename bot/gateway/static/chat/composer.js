// Where a message is written. What is written stays with its session until it is sent.
import { useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { send, stop } from "./actions.js";
import * as state from "./state.js";
import * as storage from "./storage.js";
import { T } from "../strings/chat.js";
import { Chips } from "./messages.js";

export function Composer() {
  const key = state.sessionKey.value;
  const box = useRef(null);
  const [text, setText] = useState("");
  const write = (value) => {
    setText(value);
    storage.keepDraft(key, value);
  };
  useLayoutEffect(() => {
    setText(storage.draft(key));
    if (!state.dialogOpen.value) box.current.focus();
  }, [key]);
  const submit = () => {
    if (!text.trim()) return;
    send(text);
    write("");
    box.current.focus();
  };
  const press = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  const chips = state.isDemo.value && state.shown.value.length > 0;
  return html`
    <div class="dock">
      ${chips && html`<${Chips} />`}
      <form class="composer" onSubmit=${(event) => (event.preventDefault(), submit())}>
        <textarea aria-label=${T.message} aria-describedby="keys" placeholder=${T.placeholder} rows="1" dir="auto"
          ref=${box} value=${text} onInput=${(event) => write(event.currentTarget.value)} onKeyDown=${press}></textarea>
        ${state.running.value && html`<${StopButton} after=${box} />`}
        <button class=${text.trim() ? "primary round" : "primary round idle"} aria-label=${T.send}>
          <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M10 16V4.5M5 9.2l5-5 5 5" /></svg>
        </button>
      </form>
      <p id="keys" class="keys">${T.keys}</p>
    </div>
  `;
}

function StopButton({ after }) {
  const press = () => {
    stop();
    after.current.focus();
  };
  return html`
    <button type="button" class="round stop" aria-label=${T.stop} onClick=${press}>
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><rect x="5.5" y="5.5" width="9" height="9" rx="2" /></svg>
    </button>
  `;
}
