// Looks for models here, asks the chosen one a question, and has it saved when it answers.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Choice } from "../ui/form.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T } from "../strings/start.js";

export function AddModel({ changed }) {
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  const look = async () => {
    setBusy(true);
    announce(T.looking);
    try {
      setFound((await rpc("setup.find")).found);
    } catch (error) {
      announce(sentence(error));
    }
    setBusy(false);
  };
  const answering = found?.filter((one) => one.ok && one.models.length) ?? [];
  return html`
    <button type="button" class="button" disabled=${busy} onClick=${look}>${busy ? T.looking : T.look}</button>
    ${found?.filter((one) => !one.ok).map((one) => html`<p class="hint" key=${one.preset}>${one.title} (${T.byEnv(one.env)}): ${one.message}</p>`)}
    ${found && !found.length && html`<p class="hint">${T.nothingFound}</p>`}
    ${answering.length > 0 && html`<${Chooser} found=${answering} close=${() => setFound(null)} changed=${changed} />`}
  `;
}

function Chooser({ found, close, changed }) {
  const [preset, setPreset] = useState(found[0].preset);
  const models = found.find((one) => one.preset === preset).models;
  const [model, setModel] = useState(models[0]);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const turn = (next) => (setPreset(next), setModel(found.find((one) => one.preset === next).models[0]));
  const test = async () => {
    if (busy) return;
    setBusy(true);
    setWrong("");
    try {
      const answer = await rpc("setup.model", { preset, model });
      if (answer.ok) {
        announce(answer.changed.length ? T.saved(answer.model) : T.same(answer.model));
        close();
        await changed();
        return;
      }
      setWrong(T.failed(answer.message ?? answer.reason));
    } catch (error) {
      setWrong(T.failed(sentence(error)));
    }
    setBusy(false);
  };
  const named = (one) => `${one.title} (${one.env ? T.byEnv(one.env) : T.local})`;
  return html`
    <${Dialog} title=${T.found} action=${busy ? T.testing : T.test} onClose=${close} onSubmit=${test}>
      <${Choice} name=${T.server} value=${preset} options=${found.map((one) => [one.preset, named(one)])} change=${turn} />
      <${Choice} name=${T.choose} value=${model} options=${models.map((one) => [one, one])} change=${setModel} />
      ${wrong && html`<p class="error" role="alert">${wrong}</p>`}
    <//>
  `;
}
