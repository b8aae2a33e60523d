// The dialogs of the page: a new session, a session's row, another try, the keys.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Check, Choice, Field } from "../ui/form.js";
import { createSession, keepRow } from "./actions.js";
import { retry } from "./branching.js";
import { Palette } from "./palette.js";
import { price } from "./header.js";
import { Schedule } from "./schedule.js";
import * as state from "./state.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/chat.js";

const DIALOGS = { new: NewSession, schedule: Schedule, palette: Palette, row: Row, retry: Retry, keys: Keys };

export function Dialogs() {
  const open = state.dialog.value;
  return open && html`<${DIALOGS[open.name]} ...${open} />`;
}

const close = () => (state.dialog.value = null);

function NewSession() {
  const [name, setName] = useState("");
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

function Row({ session }) {
  const [label, setLabel] = useState(session.label);
  const [pin, setPin] = useState(Boolean(session.pinned));
  const [away, setAway] = useState(Boolean(session.archived));
  const submit = async () => {
    if (await keepRow(session, { label: label.trim(), pinned: pin, archived: away })) close();
  };
  return html`
    <${Dialog} title=${T.session} action=${common.save} onClose=${close} onSubmit=${submit}>
      <${Field} name=${T.name} value=${label} change=${setLabel} maxlength="64" autofocus />
      <${Check} name=${T.pin} value=${pin} change=${setPin} />
      <${Check} name=${T.archive} value=${away} change=${setAway} />
      <p>${T.marksHelp}</p>
    <//>
  `;
}

function Retry() {
  const [ref, setRef] = useState("");
  const ready = state.models.value.filter((one) => one.ready);
  const options = [["", T.sameModel(state.modelInUse.value)], ...ready.map((one) => [one.ref, price(one)])];
  const submit = () => {
    retry(ref);
    close();
  };
  return html`
    <${Dialog} title=${T.retryTitle} action=${T.retry} onClose=${close} onSubmit=${submit}>
      <p>${T.retryHelp}</p>
      <${Choice} name=${T.answerWith} value=${ref} change=${setRef} options=${options} autofocus />
    <//>
  `;
}

function Keys() {
  return html`
    <${Dialog} title=${T.keysTitle} action=${common.close} onClose=${close} onSubmit=${close}>
      <dl class="key-list">
        ${T.keyList.map(([keys, does]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${does}</dd></div>`)}
      </dl>
    <//>
  `;
}
