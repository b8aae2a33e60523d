// The dialog that asks for a new session's name.
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { html } from "./html.js";
import { createSession } from "./actions.js";
import * as state from "./state.js";
import { T } from "./strings.js";

export function NewSession() {
  return state.dialogOpen.value ? html`<${Dialog} />` : null;
}

function Dialog() {
  const dialog = useRef(null);
  const name = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus();
  }, []);
  const close = () => (state.dialogOpen.value = false);
  const submit = async (event) => {
    event.preventDefault();
    if (await createSession(name.current.value.trim())) close();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="new-session" onClose=${close}>
      <form onSubmit=${submit}>
        <h2 id="new-session">${T.newSession}</h2>
        <p>${T.newSessionHelp}</p>
        <label class="field">
          <span>${T.name}</span>
          <input ref=${name} maxlength="64" autocomplete="off" placeholder=${T.nameHint} autofocus />
        </label>
        <div class="buttons">
          <button type="button" class="quiet" onClick=${close}>${T.cancel}</button>
          <button class="primary">${T.create}</button>
        </div>
      </form>
    </dialog>
  `;
}
