// Tasks: what is scheduled, when it runs next and how it went; one of them is `?task=`.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go, param } from "../ui/address.js";
import { Dialog } from "../ui/dialog.js";
import { Area, Field } from "../ui/form.js";
import { number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { Name, Tag } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_tasks.js";
import { Act, Inside, Opens, Part } from "./parts.js";
import { Task } from "./task.js";
import { LOOKS, State, TaskTime, Upcoming } from "./taskstate.js";

/** The tasks of an agent. */
export function Tasks({ agent }) {
  return html`<${TaskList} name=${T.tasks} hint=${T.hint} agentId=${agent.id} />`;
}

/** The tasks of an agent, or of one session alone; each can be opened, run, changed and stopped. */
export function TaskList({ name, hint, agentId, sessionKey }) {
  const load = () => rpc("tasks.list", { all: true, ...(sessionKey ? { sessionKey } : { agentId }) });
  const live = useLive(load, { events: ["tasks.changed"], keys: [agentId, sessionKey] });
  const open = param("task");
  const back = here({ task: null });
  if (open) return html`<${Task} key=${open} id=${open} back=${back} />`;
  const rows = (live.data?.tasks ?? []).filter((row) => !sessionKey || row.sessionKey === sessionKey);
  const add = html`
    <${Opens} name=${T.add} look="primary">${(close) => html`<${Add} owner=${sessionKey ? { sessionKey } : { agentId }} close=${close} reload=${live.reload} />`}<//>
  `;
  return html`
    <${Part} name=${name} hint=${hint} actions=${add}>
      <${Table} name=${name} columns=${COLUMNS} rows=${rows} id=${(row) => row.id} live=${live} by="tasks"
        empty=${{ title: T.none, text: T.noneText }} />
    <//>
  `;
}

/** This address with other values in its query; null takes one out. */
function here(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) value === null ? query.delete(name) : query.set(name, value);
  const text = query.toString();
  return `${location.pathname}${text && `?${text}`}`;
}

const COLUMNS = [
  { key: "name", name: T.task, sort: (row) => row.name, cell: (row) => html`<${Inside} to=${here({ task: row.id })}><${Name} text=${row.name} /><//>` },
  { key: "state", name: words.state, sort: (row) => String(row.enabled), cell: (row) => html`<${State} row=${row} />` },
  { key: "next", name: T.next, sort: (row) => row.nextRunAt && Date.parse(row.nextRunAt), cell: (row) => html`<${TaskTime} at=${row.nextRunAt} task=${row} />` },
  { key: "last", name: T.last, sort: (row) => row.lastRunAt && Date.parse(row.lastRunAt), cell: (row) => html`<${Last} row=${row} />` },
  { key: "runs", name: T.runs, end: true, sort: (row) => row.runs, cell: (row) => number(row.runs) },
  { key: "actions", name: words.actions, cell: (row) => html`<${Actions} row=${row} />` },
];

function Last({ row }) {
  if (!row.lastStatus) return html`<span class="soft">${T.never}</span>`;
  return html`
    <div class="stack">
      <${Tag} look=${LOOKS[row.lastStatus] ?? ""}>${T.statuses[row.lastStatus] ?? row.lastStatus}<//>
      <${TaskTime} at=${row.lastRunAt} task=${row} />
    </div>
  `;
}

function Actions({ row }) {
  const { id, name, enabled } = row;
  return html`
    <div class="actions">
      <${Act} name=${T.run} about=${name} look="quiet" run=${() => rpc("tasks.run", { id, wait: false })} done=${T.started(name)} />
      <${Act} name=${enabled ? T.pause : T.resume} about=${name} look="quiet"
        run=${() => rpc(enabled ? "tasks.pause" : "tasks.resume", { id })} done=${enabled ? T.paused(name) : T.resumed(name)} />
    </div>
  `;
}

/** A new task: what was understood is read back before it is made. */
function Add({ owner, close, reload }) {
  const [when, setWhen] = useState("");
  const [prompt, setPrompt] = useState("");
  const [plan, setPlan] = useState(null);
  const [error, setError] = useState("");
  const [key] = useState(() => crypto.randomUUID?.() ?? `task-${Date.now()}-${Math.random()}`);
  const asked = { ...owner, text: when.trim(), prompt: prompt.trim() };
  const attempt = async (action) => {
    setError("");
    try {
      await action();
    } catch (failed) {
      setPlan(null);
      setError(sentence(failed));
    }
  };
  const preview = () => attempt(async () => setPlan(await rpc("tasks.preview", asked)));
  const create = () =>
    attempt(async () => {
      const made = await rpc("tasks.add", { ...asked, idempotencyKey: key });
      announce(T.created(made.said));
      close();
      await reload();
      go(here({ task: made.id }));
    });
  return html`
    <${Dialog} title=${T.add} action=${T.create} onClose=${close} onSubmit=${create}>
      <${Field} name=${T.when} value=${when} change=${setWhen} hint=${T.whenHint} required autofocus />
      <${Area} name=${T.prompt} value=${prompt} change=${setPrompt} required />
      <div class="actions"><button type="button" class="button" disabled=${!asked.text || !asked.prompt} onClick=${preview}>${T.preview}</button></div>
      ${plan && html`<div class="verdict good" role="status"><p>${plan.said}</p><p>${plan.plan}</p><${Upcoming} row=${plan} /></div>`}
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}
