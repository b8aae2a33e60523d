// Dialogs: the browser keeps the focus inside and closes on Esc; the focus returns to where it was.
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/signals.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";

let count = 0;

/** A modal dialog around a form. `onSubmit` gets no event; `onClose` is called for Esc and Cancel. */
export function Dialog({ title, onClose, onSubmit, action, look = "primary", children }) {
  const dialog = useRef(null);
  const id = useRef(`dialog-${++count}`).current;
  useLayoutEffect(() => {
    const before = document.activeElement;
    const box = dialog.current;
    box.showModal();
    // While it is open, nothing outside of it can have the focus.
    return () => (box.close(), before?.focus());
  }, []);
  const submit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby=${id} onClose=${onClose}>
      <form onSubmit=${submit}>
        <h2 id=${id}>${title}</h2>
        ${children}
        <div class="buttons">
          <button type="button" class="quiet" onClick=${onClose}>${T.cancel}</button>
          <button class=${look}>${action}</button>
        </div>
      </form>
    </dialog>
  `;
}

const question = signal(null);

/** Ask before something that cannot be undone. `{title, text, action, danger?}` -> yes or no. */
export function confirm(asked) {
  return new Promise((resolve) => (question.value = { ...asked, resolve }));
}

/** Where `confirm` asks; the shell has it on every page. */
export function Confirming() {
  const asked = question.value;
  if (!asked) return null;
  const end = (yes) => {
    if (question.value === asked) question.value = null;
    asked.resolve(yes);
  };
  return html`
    <${Dialog} title=${asked.title} action=${asked.action} look=${asked.danger ? "danger" : "primary"}
      onClose=${() => end(false)} onSubmit=${() => end(true)}>
      <p>${asked.text}</p>
    <//>
  `;
}
