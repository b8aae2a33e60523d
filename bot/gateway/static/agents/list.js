// Every agent in one table, and how agents are made, copied, switched off and taken away.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { searched, Search } from "../ui/filter.js";
import { Field } from "../ui/form.js";
import { number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { Name, Tag } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T } from "../strings/agents.js";
import { Act, Inside, Opens, place } from "./parts.js";

const MOST = 5_000;

const columns = (reload) => [
  { key: "name", name: T.agent, sort: (row) => row.name, cell: (row) => html`<${Who} row=${row} />` },
  { key: "state", name: T.state, sort: (row) => String(row.enabled), cell: (row) => html`<${OnOff} row=${row} />` },
  { key: "model", name: T.model, sort: (row) => row.model.primary, cell: (row) => html`<${Model} row=${row} />` },
  { key: "sessions", name: T.tabs.sessions, end: true, sort: (row) => row.sessions, cell: (row) => number(row.sessions) },
  { key: "tasks", name: T.tabs.tasks, end: true, sort: (row) => row.tasks.length, cell: (row) => number(row.tasks.length) },
  { key: "actions", name: T.actions, cell: (row) => html`<${Actions} row=${row} reload=${reload} />` },
];

export function List() {
  useEffect(() => retitle(T.agents), []);
  const live = useLive(read, { events: ["agents.changed", "sessions.changed", "tasks.changed"] });
  const rows = live.data ?? [];
  const found = searched(rows, (row) => `${row.name} ${row.id} ${row.model.primary}`);
  return html`
    <div class="filters"><${Search} /><div class="actions">
      <${Opens} name=${T.create} look="primary">${(close) => html`<${Create} close=${close} />`}<//>
    </div></div>
    <${Table} name=${T.agents} columns=${columns(live.reload)} rows=${found} all=${rows.length} id=${(row) => row.id}
      live=${live} empty=${{ title: T.empty, text: T.emptyText }} />
  `;
}

async function read() {
  const [{ agents }, { sessions }, { tasks }] = await Promise.all([
    rpc("agents.list"),
    rpc("sessions.list", { limit: MOST }),
    rpc("tasks.list", { all: true }),
  ]);
  const counted = Map.groupBy(sessions, (one) => one.agentId);
  return Promise.all(
    agents.map(async (agent) => ({
      ...agent,
      sessions: counted.get(agent.id)?.length ?? 0,
      tasks: tasks.filter((one) => one.agentId === agent.id && one.enabled),
      against: agent.enabled ? await against(agent) : "",
    })),
  );
}

/** Why an agent's model cannot answer; "" when it can. */
async function against({ id, model }) {
  const { models } = await rpc("models.list", { agentId: id });
  const found = models.find((one) => one.ref === model.primary || one.alias === model.primary);
  if (!found) return T.notListed;
  return found.ready ? "" : found.reason;
}

function Who({ row }) {
  return html`<${Inside} to=${place(row.id, "models")}><${Name} text=${row.name} /><//>${row.default && html` <${Tag}>${T.default}<//>`}`;
}

function OnOff({ row }) {
  return html`<${Tag} look=${row.enabled ? "good" : ""}>${row.enabled ? T.on : T.off}<//>`;
}

function Model({ row }) {
  return html`
    <div class="stack">
      <span>${row.model.primary} ${row.enabled && html`<${Tag} look=${row.against ? "bad" : "good"}>${row.against ? T.notReady : T.ready}<//>`}</span>
      ${row.against && html`<span class="hint">${row.against}</span>`}
    </div>
  `;
}

function Actions({ row, reload }) {
  const turn = async () => {
    if (row.enabled && !(await confirm(stopping(row, "disable")))) return;
    await rpc("agents.update", { agentId: row.id, enabled: row.enabled ? false : null });
    announce(row.enabled ? T.disabled(row.name) : T.enabled(row.name));
    await reload();
  };
  const remove = async () => {
    if (!(await confirm(stopping(row, "delete")))) return;
    await rpc("agents.delete", { agentId: row.id });
    announce(T.deleted(row.name));
    await reload();
  };
  return html`
    <div class="actions">
      <${Opens} name=${T.duplicate} about=${row.name} look="quiet">
        ${(close) => html`<${Create} copy=${row} close=${close} />`}
      <//>
      <${Act} name=${row.enabled ? T.disable : T.enable} about=${row.name} look="quiet" run=${turn} />
      <${Act} name=${T.delete} about=${row.name} look="quiet" run=${remove} />
    </div>
  `;
}

/** What is asked before an agent stops, with the names of what stops with it. */
function stopping(row, what) {
  const names = row.tasks.map((task) => task.name);
  const tasks = names.length ? T.stops(names.length, names.slice(0, 5).join(", ")) : T.stopsNothing;
  return { title: T[`${what}Title`](row.name), text: `${T[`${what}Text`]} ${tasks}`, action: T[what], danger: true };
}

/** A new agent; `copy` is the row of the one it is to be like. */
function Create({ copy, close }) {
  const [name, setName] = useState(copy ? T.copyName(copy.name) : "");
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  const wanted = id || idOf(name);
  const submit = async () => {
    try {
      const { agentId } = await rpc("agents.create", { agentId: wanted, name: name.trim(), ...(copy && { copy: copy.id }) });
      announce(T.created(name.trim()));
      close();
      go(place(agentId, "models"));
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${copy ? T.duplicateTitle(copy.name) : T.createTitle} action=${T.create} onClose=${close} onSubmit=${submit}>
      ${copy && html`<p>${T.duplicateText}</p>`}
      <${Field} name=${T.name} value=${name} change=${setName} required maxlength="64" autofocus />
      <${Field} name=${T.id} value=${id} change=${setId} placeholder=${idOf(name)} hint=${T.idHint} error=${error} maxlength="64" />
    <//>
  `;
}

/** An id for a name: what an id may have of it, in small letters. */
const idOf = (name) =>
  name.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64);
