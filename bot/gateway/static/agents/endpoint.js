// A new provider: a service with a key, or a server of one's own whose models are discovered. It is
// saved only after a model of it, or its list, has answered.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Choice, Field } from "../ui/form.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T } from "../strings/agents_models.js";
import { Act } from "./parts.js";
import { failure, Verdict } from "./verdict.js";

export function AddProvider({ agent, presets, taken, close, again }) {
  const [kind, setKind] = useState("custom");
  const preset = presets.find((one) => one.id === kind) ?? { id: kind, api: "openai", key: "optional", base_url: null };
  const [given, setGiven] = useState(filled(preset, taken));
  const [found, setFound] = useState(null);
  const [error, setError] = useState("");
  const set = (name) => (value) => setGiven((old) => ({ ...old, [name]: value }));
  const choose = (id) => {
    setKind(id);
    setFound(null);
    setGiven(filled(presets.find((one) => one.id === id), taken));
  };
  const asked = {
    provider: given.id.trim().toLowerCase(),
    api: preset.api,
    ...(given.url.trim() && { base_url: given.url.trim() }),
    ...(given.key.trim() && { api_key: given.key.trim() }),
  };
  const discover = async () => {
    const answer = await rpc("providers.discover", { ...asked, agentId: agent.id });
    setFound(answer);
    if (answer.ok && answer.models.length && !given.model) set("model")(answer.models[0].id);
  };
  const submit = async () => {
    setError("");
    announce(T.trying);
    const model = given.model.trim();
    try {
      const tried = await rpc("providers.test", { ...asked, agentId: agent.id, ...(model && { model }) });
      if (!tried.ok) return setError(T.notTaken(failure(tried)));
      const card = found?.models?.find((one) => one.id === model);
      const models = model && [{ id: model, ...(card?.contextWindow && { context_window: card.contextWindow }) }];
      const { provider, ...keys } = asked;
      await rpc("providers.set", { provider, ...keys, ...(models && { models }) });
      announce(T.added(provider));
      close();
      await again();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${T.addProvider} action=${T.tryAndSave} onClose=${close} onSubmit=${submit}>
      <${Choice} name=${T.kind} value=${kind} change=${choose} options=${presets.map((one) => [one.id, one.title])} />
      <${Field} name=${T.provider} value=${given.id} change=${set("id")} hint=${T.providerHint} required />
      <${Field} name=${T.address} type="url" value=${given.url} change=${set("url")} required=${!preset.base_url} />
      <${Field} name=${T.key} type="password" value=${given.key} change=${set("key")} hint=${T.keyHints[preset.key]} required=${preset.key === "needed"} spellcheck="false" />
      <${Field} name=${T.model} value=${given.model} change=${set("model")} hint=${T.modelHint} list="discovered" />
      <datalist id="discovered">${(found?.models ?? []).map((one) => html`<option key=${one.id} value=${one.id}></option>`)}</datalist>
      <div class="actions"><${Act} name=${T.discover} run=${discover} /></div>
      ${found && html`<${Verdict} verdict=${found} good=${T.offers(found.models?.map((one) => one.id) ?? [])} />`}
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}

/** What is filled in for a kind of server; its name, unless there is one of that name already. */
function filled(preset, taken) {
  const free = !taken.some((one) => one.id === preset?.id);
  const id = preset && preset.id !== "custom" && free ? preset.id : "";
  return { id, url: preset?.base_url ?? "", key: "", model: "" };
}
