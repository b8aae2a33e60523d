// Where a message is written. What is written stays with its session until it is sent.
import { useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { stop } from "./actions.js";
import { take, uploading, Waiting } from "./files.js";
import { send, setFiles, write } from "./sending.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";
import { Chips } from "./empty.js";
import { Made } from "./made.js";

export function Composer() {
  const key = state.sessionKey.value;
  const box = useRef(null);
  const text = state.draft.value;
  const files = state.files.value;
  const ready = (text.trim() || files.length) && !uploading();
  useLayoutEffect(() => {
    if (!state.dialog.value && !state.wanted.value) box.current.focus();
  }, [key]);
  const submit = () => {
    if (!ready) return;
    send(text, files);
    write("");
    setFiles(key, []);
    box.current.focus();
  };
  const press = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  const paste = (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  };
  const chips = state.isDemo.value && !state.isTour.value && state.shown.value.length > 0;
  return html`
    <${Dropping}>
      ${chips && html`<${Chips} />`}
      <${Made} />
      <form onSubmit=${(event) => (event.preventDefault(), submit())}>
        <div class="composer">
          <${Waiting} />
          <textarea id="message" aria-label=${T.message} aria-describedby="keys" placeholder=${T.placeholder} rows="1" dir="auto"
            ref=${box} value=${text} onInput=${(event) => write(event.currentTarget.value)} onKeyDown=${press}
            onPaste=${paste}></textarea>
          <div class="tools">
            <${AttachButton} />
            <button type="button" class="quiet" onClick=${() => (state.dialog.value = { name: "schedule" })}>${T.schedule}</button>
            <span class="gap"></span>
            ${state.running.value && html`<${StopButton} after=${box} />`}
            <button class=${ready ? "primary round" : "primary round idle"} aria-label=${T.send}>
              <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M10 16V4.5M5 9.2l5-5 5 5" /></svg>
            </button>
          </div>
        </div>
      </form>
      <p id="keys" class="keys">${T.keys}</p>
    <//>
  `;
}

/** The whole dock takes what is dropped on it. */
function Dropping({ children }) {
  const [over, setOver] = useState(false);
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const drag = (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event) => {
    setOver(false);
    if (!carries(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  return html`
    <div class=${over ? "dock over" : "dock"} onDragOver=${drag} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      ${children}
    </div>
  `;
}

function AttachButton() {
  const input = useRef(null);
  const chosen = () => {
    take(input.current.files);
    input.current.value = "";
  };
  return html`
    <button type="button" class="quiet icon" aria-label=${T.attach} onClick=${() => input.current.click()}>
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
        <path d="M15.5 9.5l-5.8 5.8a3.4 3.4 0 0 1-4.8-4.8l6.4-6.4a2.2 2.2 0 0 1 3.2 3.2l-6.3 6.3a1.1 1.1 0 0 1-1.6-1.6l5.6-5.6" />
      </svg>
    </button>
    <input type="file" multiple hidden ref=${input} aria-label=${T.attach} onChange=${chosen} />
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
