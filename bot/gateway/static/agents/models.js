// Models: which one answers, which ones stand in, which ones do the tasks, and how they are reached.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_models.js";
import { Choice } from "./choice.js";
import { Act, Part } from "./parts.js";
import { Providers } from "./providers.js";
import { Verdict } from "./verdict.js";

export function Models({ agent, reload }) {
  const live = useLive(() => rpc("models.list", { agentId: agent.id }), { events: ["agents.changed"], keys: [agent.id] });
  const rows = live.data?.models ?? [];
  const changed = async () => {
    await Promise.all([live.reload(), reload()]);
  };
  return html`
    <${Choice} key=${JSON.stringify([agent.model, agent.taskModels])} agent=${agent} models=${rows} reload=${changed} />
    <${Part} name=${T.models} hint=${T.modelsHint}>
      <${Table} name=${T.models} columns=${columns(agent, live.reload)} rows=${rows} id=${(row) => row.ref} live=${live}
        empty=${{ title: T.noModels, text: T.noModelsText }} />
    <//>
    <${Providers} agent=${agent} changed=${changed} />
  `;
}

const columns = (agent, reload) => [
  { key: "ref", name: T.model, sort: (row) => row.ref, cell: (row) => html`<${Ref} row=${row} />` },
  { key: "ready", name: words.state, sort: (row) => String(row.ready), cell: (row) => html`<${Readiness} row=${row} />` },
  { key: "context", name: T.context, end: true, sort: (row) => row.contextWindow, cell: (row) => number(row.contextWindow) },
  { key: "price", name: T.price, end: true, cell: (row) => row.cost && T.prices(row.cost.input ?? 0, row.cost.output ?? 0) },
  { key: "test", name: T.test, cell: (row) => html`<${Test} row=${row} agent=${agent} reload=${reload} />` },
];

function Ref({ row }) {
  return html`${row.ref}${row.alias && html` <${Tag}>${row.alias}<//>`}`;
}

export function Readiness({ row }) {
  return html`
    <div class="stack">
      <${Tag} look=${row.ready ? "good" : "bad"}>${row.ready ? words.ready : words.notReady}<//>
      ${row.reason && html`<span class="hint">${row.reason}</span>`}
    </div>
  `;
}

/** One short question to the model; only this button asks it. */
function Test({ row, agent, reload }) {
  const [verdict, setVerdict] = useState(null);
  const ask = async () => {
    setVerdict(await rpc("models.test", { ref: row.ref, agentId: agent.id }));
    await reload();
  };
  return html`
    <div class="stack">
      <${Act} name=${T.test} about=${row.ref} look="quiet" run=${ask} />
      ${verdict && html`<${Verdict} verdict=${verdict} good=${T.answered(verdict.latencyMs)} />`}
    </div>
  `;
}
