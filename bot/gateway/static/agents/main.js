// /agents: every agent, and one agent with its tabs.
import { html } from "../ui/html.js";
import { go, parts } from "../ui/address.js";
import { useLive } from "../ui/live.js";
import { Name, Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { searched, Search } from "../ui/filter.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/agents.js";
import { Agent } from "./agent.js";

const COLUMNS = [
  { key: "name", name: T.agent, sort: (row) => row.name, cell: (row) => html`<${Link} row=${row} />` },
  { key: "model", name: T.model, sort: (row) => row.model.primary, cell: (row) => row.model.primary },
  { key: "fallbacks", name: T.fallbacks, cell: (row) => row.model.fallbacks.join(", ") },
  { key: "zone", name: T.zone, cell: (row) => row.timezone },
  { key: "state", name: T.state, cell: (row) => html`<${State} row=${row} />` },
];

mount(App);

function App() {
  const [, id, tab] = parts();
  return id === undefined ? html`<${List} />` : html`<${Agent} id=${id} tab=${tab ?? "models"} choose=${show} />`;
}

function show(id, tab) {
  go(`/agents/${encodeURIComponent(id)}/${tab}`);
}

function List() {
  const live = useLive(() => rpc("agents.list"));
  const rows = live.data?.agents ?? [];
  const found = searched(rows, (row) => `${row.name} ${row.id} ${row.model.primary}`);
  return html`
    <div class="filters"><${Search} /></div>
    <${Table} name=${T.agents} columns=${COLUMNS} rows=${found} all=${rows.length} id=${(row) => row.id} live=${live}
      empty=${{ title: T.empty, text: T.emptyText }} />
  `;
}

function Link({ row }) {
  return html`<a href=${`/agents/${encodeURIComponent(row.id)}`}><${Name} text=${row.name} /></a>`;
}

function State({ row }) {
  return html`
    <${Tag} look=${row.enabled ? "good" : ""}>${row.enabled ? T.on : T.off}<//>
    ${row.default && html` <${Tag}>${T.default}<//>`}
  `;
}
