// /usage: tokens and cost, by day, agent and model.
import { html } from "../ui/html.js";
import { cost, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { Name } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/usage.js";

const NUMBERS = [
  { key: "runs", name: T.runs, end: true, sort: (row) => row.runs, cell: (row) => number(row.runs) },
  { key: "in", name: T.input, end: true, sort: (row) => row.inputTokens, cell: (row) => number(row.inputTokens) },
  { key: "out", name: T.output, end: true, sort: (row) => row.outputTokens, cell: (row) => number(row.outputTokens) },
  { key: "cost", name: T.cost, end: true, sort: (row) => row.cost, cell: (row) => cost(row.cost) },
];
const first = (name) => ({ key: "name", name, sort: (row) => row.name, cell: (row) => html`<${Name} text=${row.name} />` });

mount(App);

function App() {
  const live = useLive(() => rpc("usage.summary"), { events: ["sessions.changed"] });
  const empty = {
    title: T.empty,
    text: T.emptyText,
    action: html`<a class="button" href="/chat">${T.toChat}</a>`,
  };
  const part = (name, field, by) => html`
    <h2>${T.by[by]}</h2>
    <${Table} name=${T.by[by]} columns=${[first(name), ...NUMBERS]} rows=${live.data?.[field] ?? []}
      id=${(row) => row.name} live=${live} by=${`sort-${by}`} empty=${empty} />
  `;
  return html`${part(T.day, "byDay", "day")} ${part(T.agent, "byAgent", "agent")} ${part(T.model, "byModel", "model")}`;
}
