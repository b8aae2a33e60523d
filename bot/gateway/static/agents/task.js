// One task: its definition, what it did so far and why it did not, and everything to do with it.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { Area } from "../ui/form.js";
import { cost, duration, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Facts, Name, Tag } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { WhyButton } from "../ui/why.js";
import { T as common } from "../strings/common.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_tasks.js";
import { Act, Inside, Opens, Part, pending } from "./parts.js";
import { HOST, LOOKS, State, TaskTime, Upcoming } from "./taskstate.js";

const MOST = 200;

export function Task({ id, back }) {
  const load = async () => {
    const [task, { runs }] = await Promise.all([rpc("tasks.get", { id }), rpc("tasks.runs", { id, limit: MOST })]);
    return { task, runs };
  };
  const live = useLive(load, { events: ["tasks.changed"], wanted: (payload) => payload.taskId === id, keys: [id] });
  const link = html`<p><${Inside} to=${back}>${T.back}<//></p>`;
  const waiting = pending(live);
  if (waiting) return html`${link}${waiting}`;
  const { task, runs } = live.data;
  return html`
    ${link}
    <${Part} name=${visible(task.name)} actions=${html`<${Actions} task=${task} back=${back} reload=${live.reload} />`}>
      <${About} task=${task} runs=${runs} />
    <//>
    <${Part} name=${T.prompt}><pre class="sunk" dir="auto">${task.prompt}</pre><//>
    <${Part} name=${T.history} hint=${T.historyHint}>
      <${Table} name=${T.history} columns=${columns(task, live.reload)} rows=${runs} id=${(row) => row.runId} live=${live} by="runs"
        empty=${{ title: T.noRuns }} />
    <//>
  `;
}

function About({ task, runs }) {
  const spent = runs.reduce((sum, run) => sum + (run.usage?.cost ?? 0), 0);
  const { policy } = task;
  return html`<${Facts} rows=${[
    [words.state, html`<${State} row=${task} />`],
    [T.schedule, task.said],
    [words.zone, task.timezone === HOST ? words.hostZone : task.timezone],
    [T.next, html`<${Upcoming} row=${task} />`],
    [T.plan, task.plan],
    [T.delivery, T.deliveryTo(task.delivery)],
    [T.session, html`<a href=${`/sessions/${encodeURIComponent(task.sessionKey)}`}><${Name} text=${task.sessionKey} /></a>`],
    [T.missed, T.missedWords[policy.missed] ?? policy.missed],
    [T.overlap, T.overlapWords[policy.overlap] ?? policy.overlap],
    [T.stop, T.stopWords(policy.stop ?? {})],
    [T.runs, number(task.runs)],
    [T.spent, cost(spent)],
    [T.id, html`<code>${task.id}</code>`],
  ]} />`;
}

function Actions({ task, back, reload }) {
  const { id, name, enabled } = task;
  const act = (method, params = {}) => async () => {
    await rpc(method, { id, ...params });
    await reload();
  };
  const remove = async () => {
    const asked = { title: T.removeTitle(name), text: T.removeText, action: T.remove, danger: true };
    if (!(await confirm(asked))) return;
    await rpc("tasks.remove", { id });
    announce(T.removed(name));
    go(back);
  };
  return html`
    <${Act} name=${T.run} look="primary" run=${act("tasks.run", { wait: false })} done=${T.started(name)} />
    <${Act} name=${enabled ? T.pause : T.resume} run=${act(enabled ? "tasks.pause" : "tasks.resume")} done=${enabled ? T.paused(name) : T.resumed(name)} />
    <${Opens} name=${T.edit}>${(close) => html`<${Edit} task=${task} close=${close} reload=${reload} />`}<//>
    <${Act} name=${T.remove} look="button bad" run=${remove} />
  `;
}

/** A change in words, as behind `/task edit`; what changed is said. */
function Edit({ task, close, reload }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const submit = async () => {
    try {
      const { changed } = await rpc("tasks.update", { id: task.id, edit: text.trim() });
      announce(changed || common.saved);
      close();
      await reload();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${T.editTitle(task.name)} action=${common.save} onClose=${close} onSubmit=${submit}>
      <${Area} name=${T.change} value=${text} change=${setText} hint=${T.changeHint} error=${error} rows="2" required autofocus />
    <//>
  `;
}

const columns = (task, reload) => [
  { key: "due", name: T.due, sort: (row) => Date.parse(row.dueAt), cell: (row) => html`<${TaskTime} at=${row.dueAt} task=${task} />` },
  { key: "status", name: T.result, sort: (row) => row.status, cell: (row) => html`<${Status} row=${row} />` },
  { key: "took", name: T.took, end: true, sort: (row) => row.seconds, cell: (row) => duration(row.seconds) },
  { key: "cost", name: T.cost, end: true, sort: (row) => row.usage?.cost, cell: (row) => html`<${Used} row=${row} />` },
  { key: "delivery", name: T.delivery, sort: (row) => row.delivery, cell: (row) => T.deliveries[row.delivery] ?? row.delivery },
  { key: "actions", name: words.actions, cell: (row) => html`<${RunActions} row=${row} reload=${reload} />` },
];

function Status({ row }) {
  const why = row.reason || row.error;
  return html`
    <div class="stack">
      <span><${Tag} look=${LOOKS[row.status] ?? ""}>${T.statuses[row.status] ?? row.status}<//> ${T.causes[row.cause] && html`<span class="hint">${T.causes[row.cause]}</span>`}</span>
      ${why && html`<span class="hint">${visible(String(why.message ?? why))}</span>`}
      ${row.summary && row.status === "ok" && html`<span class="soft" dir="auto">${visible(row.summary.slice(0, 160))}</span>`}
    </div>
  `;
}

function Used({ row }) {
  if (!row.usage) return null;
  const price = cost(row.usage.cost);
  return html`<span title=${row.model}>${price || T.tokens(row.usage.inputTokens + row.usage.outputTokens)}</span>`;
}

function RunActions({ row, reload }) {
  const on = row.status === "running" || (!row.endedAt && !["ok", "error", "skipped", "blocked"].includes(row.status));
  const act = (method) => async () => {
    await rpc(method, { runId: row.runId });
    await reload();
  };
  return html`
    <div class="actions">
      ${on
        ? html`<${Act} name=${T.cancel} look="quiet" run=${act("tasks.cancelRun")} done=${T.cancelled} />`
        : html`<${Act} name=${T.retry} look="quiet" run=${act("tasks.retryRun")} done=${T.retried} />`}
      ${row.startedAt && html`<${WhyButton} id=${row.runId} />`}
    </div>
  `;
}
