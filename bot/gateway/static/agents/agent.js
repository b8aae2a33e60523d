// One agent: what it is, and a tab for each of its sides.
import { useEffect } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Facts, Name, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Failed, Nothing, Table } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/agents.js";

const TABS = Object.entries(T.tabs).map(([id, name]) => ({ id, name }));

export function Agent({ id, tab, choose }) {
  const live = useLive(() => rpc("agents.list"), { keys: [id] });
  const agent = live.data?.agents.find((one) => one.id === id);
  useEffect(() => void (agent && retitle(visible(agent.name))), [agent?.name]);
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!live.data) return html`<p class="soft state loading">${common.loading}</p>`;
  if (!agent) {
    const action = html`<a class="button" href="/agents">${T.toList}</a>`;
    return html`<${Nothing} title=${T.none(visible(id))} text=${T.noneText} action=${action} />`;
  }
  return html`
    <${Facts} rows=${[
      [T.model, agent.model.primary],
      [T.fallbacks, agent.model.fallbacks.join(", ")],
      [T.zone, agent.timezone],
      [T.workspace, agent.workspace],
      [T.state, agent.enabled ? T.on : T.off],
    ]} />
    <${Tabs} name=${T.about} tabs=${TABS} current=${tab} choose=${(next) => choose(id, next)}>
      <${Panel} key=${tab} id=${id} tab=${tab} />
    <//>
  `;
}

function Panel({ id, tab }) {
  if (tab === "models") return html`<${Models} id=${id} />`;
  if (tab === "sessions") return html`<${Sessions} id=${id} />`;
  return html`<p class="soft">${T.terminal[tab]}</p>`;
}

const MODELS = [
  { key: "ref", name: T.model, sort: (row) => row.ref, cell: (row) => row.ref },
  { key: "ready", name: T.state, cell: (row) => html`<${Tag} look=${row.ready ? "good" : "bad"}>${row.ready ? T.ready : T.notReady}<//>` },
  { key: "reason", name: T.reason, cell: (row) => row.reason },
  { key: "context", name: T.context, end: true, sort: (row) => row.contextWindow, cell: (row) => number(row.contextWindow) },
];

function Models({ id }) {
  const live = useLive(() => rpc("models.list", { agentId: id }), { keys: [id] });
  const rows = live.data?.models ?? [];
  return html`<${Table} name=${T.tabs.models} columns=${MODELS} rows=${rows} id=${(row) => row.ref} live=${live}
    empty=${{ title: T.noModels, text: T.noModelsText }} />`;
}

const SESSIONS = [
  {
    key: "name", name: T.tabs.sessions, sort: (row) => row.displayName,
    cell: (row) => html`<a href=${`/sessions/${encodeURIComponent(row.sessionKey)}`}><${Name} text=${row.label} /></a>`,
  },
  { key: "updatedAt", name: T.state, sort: (row) => row.updatedAt, cell: (row) => html`<${Time} at=${row.updatedAt} />` },
];

function Sessions({ id }) {
  const live = useLive(() => rpc("sessions.list", { agentId: id, limit: 5000 }), { events: ["sessions.changed"], keys: [id] });
  return html`<${Table} name=${T.tabs.sessions} columns=${SESSIONS} rows=${live.data?.sessions ?? []}
    id=${(row) => row.sessionKey} live=${live} empty=${{ title: T.tabs.sessions }} />`;
}
