// The dialog that asks for a new session's name.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Field } from "../ui/form.js";
import { createSession } from "./actions.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

export function NewSession() {
  return state.dialogOpen.value ? html`<${Asking} />` : null;
}

function Asking() {
  const [name, setName] = useState("");
  const close = () => (state.dialogOpen.value = false);
  const submit = async () => {
    if (await createSession(name.trim())) close();
  };
  return html`
    <${Dialog} title=${T.newSession} action=${T.create} onClose=${close} onSubmit=${submit}>
      <p>${T.newSessionHelp}</p>
      <${Field} name=${T.name} value=${name} change=${setName} maxlength="64" placeholder=${T.nameHint} autofocus />
    <//>
  `;
}
