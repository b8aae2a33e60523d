// Providers: who serves models, whether they can be asked, their keys (which go in and never come
// out), servers of one's own, and signing in.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { Field } from "../ui/form.js";
import { useLive } from "../ui/live.js";
import { Tag } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_models.js";
import { AddProvider } from "./endpoint.js";
import { Act, Opens, Part } from "./parts.js";
import { SignIn } from "./signin.js";
import { failure, Verdict } from "./verdict.js";

export function Providers({ agent, changed }) {
  const live = useLive(() => rpc("providers.list"), { events: ["agents.changed"], keys: [agent.id] });
  const again = async () => {
    await Promise.all([live.reload(), changed()]);
  };
  const only = param("provider");
  const all = live.data?.providers ?? [];
  const rows = only ? all.filter((row) => row.id === only) : all;
  const add = html`
    <${Opens} name=${T.addProvider} look="primary">
      ${(close) => html`<${AddProvider} agent=${agent} presets=${live.data?.presets ?? []} taken=${all} close=${close} again=${again} />`}
    <//>
  `;
  return html`
    <${Part} name=${T.providers} hint=${T.providersHint} actions=${add}>
      <${Table} name=${T.providers} columns=${columns(agent, again)} rows=${rows} all=${all.length} id=${(row) => row.id} live=${live}
        by="providers" empty=${{ title: T.noProviders, text: T.noProvidersText }} />
    <//>
  `;
}

const columns = (agent, again) => [
  { key: "id", name: T.provider, sort: (row) => row.id, cell: (row) => row.id },
  { key: "url", name: T.address, cell: (row) => row.base_url ?? row.api },
  { key: "keys", name: T.keys, end: true, cell: (row) => html`<span class="keep">${T.keyCount(row)}</span>` },
  {
    key: "ready", name: words.state, sort: (row) => String(row.ready),
    cell: (row) => html`
      <div class="stack">
        <${Tag} look=${row.ready ? "good" : "bad"}>${row.ready ? words.ready : words.notReady}<//>
        ${row.reason && html`<span class="hint">${row.reason}</span>`}
      </div>`,
  },
  { key: "actions", name: words.actions, cell: (row) => html`<${Actions} row=${row} agent=${agent} again=${again} />` },
];

function Actions({ row, agent, again }) {
  const [verdict, setVerdict] = useState(null);
  const find = async () => {
    setVerdict(await rpc("providers.discover", { provider: row.id, agentId: agent.id }));
    await again();
  };
  const remove = async () => {
    const asked = { title: T.removeTitle(row.id), text: T.removeText, action: T.remove, danger: true };
    if (!(await confirm(asked))) return;
    await rpc("providers.remove", { provider: row.id });
    announce(T.removed(row.id));
    await again();
  };
  return html`
    <div class="stack">
      <div class="actions">
        ${row.api !== "demo" &&
        html`<${Opens} name=${T.paste} about=${row.id} look="quiet">${(close) => html`<${Paste} row=${row} agent=${agent} close=${close} again=${again} />`}<//>`}
        ${row.sign_in &&
        html`<${Opens} name=${T.signIn} about=${row.id} look="quiet">${(close) => html`<${SignIn} row=${row} close=${close} again=${again} />`}<//>`}
        <${Act} name=${T.discover} about=${row.id} look="quiet" run=${find} />
        <${Act} name=${T.remove} about=${row.id} look="quiet" run=${remove} />
      </div>
      ${verdict && html`<${Verdict} verdict=${verdict} good=${T.offers(verdict.models?.map((one) => one.id) ?? [])} />`}
    </div>
  `;
}

/** A key for a provider: tried live first, saved only when it is taken. */
function Paste({ row, agent, close, again }) {
  const [key, setKey] = useState("");
  const [model, setModel] = useState(row.models[0] ?? "");
  const [error, setError] = useState("");
  const submit = async () => {
    setError("");
    announce(T.trying);
    try {
      const tried = await rpc("providers.test", { provider: row.id, agentId: agent.id, api_key: key.trim(), ...(model && { model }) });
      if (!tried.ok) return setError(T.notTaken(failure(tried)));
      await rpc("providers.set", { provider: row.id, api_key: key.trim() });
      announce(T.keySaved);
      close();
      await again();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${T.pasteTitle(row.id)} action=${T.tryAndSave} onClose=${close} onSubmit=${submit}>
      <p>${T.pasteText}</p>
      <${Field} name=${T.key} type="password" value=${key} change=${setKey} error=${error} spellcheck="false" required autofocus />
      <${Field} name=${T.testModel} value=${model} change=${setModel} hint=${T.testModelHint} />
    <//>
  `;
}
