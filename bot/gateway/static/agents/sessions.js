// The sessions of an agent: where they come from, what they used, what is different in them, and
// their tasks; one of them is `?session=`.
import { html } from "../ui/html.js";
import { go, param } from "../ui/address.js";
import { searched, Search } from "../ui/filter.js";
import { Choice } from "../ui/form.js";
import { cost, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { channelOf, visible } from "../ui/names.js";
import { Channel, Facts, Name, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { told } from "../ui/toast.js";
import { Actions } from "../sessions/actions.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_sessions.js";
import { Inside, Part, place } from "./parts.js";
import { TaskList } from "./tasks.js";

const MOST = 5_000;
const used = (row) => row.inputTokens + row.outputTokens;

export function Sessions({ agent }) {
  const load = async () => {
    const [{ sessions }, { tasks }] = await Promise.all([
      rpc("sessions.list", { agentId: agent.id, limit: MOST }),
      rpc("tasks.list", { agentId: agent.id, all: true }),
    ]);
    const owned = Map.groupBy(tasks, (task) => task.sessionKey);
    return sessions.map((row) => ({ ...row, tasks: owned.get(row.sessionKey)?.length ?? 0 }));
  };
  const live = useLive(load, { events: ["sessions.changed", "tasks.changed"], keys: [agent.id] });
  const rows = live.data ?? [];
  const open = rows.find((row) => row.sessionKey === param("session"));
  if (open) return html`<${One} key=${open.sessionKey} agent=${agent} row=${open} />`;
  const found = searched(rows, (row) => `${row.label} ${row.sessionKey}`);
  return html`
    <div class="filters"><${Search} /></div>
    <${Table} name=${words.tabs.sessions} columns=${columns(agent)} rows=${found} all=${rows.length} id=${(row) => row.sessionKey}
      live=${live} sort="-updated" empty=${{ title: T.none, text: T.noneText, action: html`<a class="button" href="/chat">${T.toChat}</a>` }} />
  `;
}

const columns = (agent) => [
  {
    key: "name", name: T.session, sort: (row) => row.label,
    cell: (row) => html`
      <${Inside} to=${place(agent.id, "sessions", { session: row.sessionKey })}><${Name} text=${row.label} /><//>
      ${row.running && html` <${Tag} look="good">${T.running}<//>`}`,
  },
  { key: "origin", name: T.origin, sort: (row) => channelOf(row.origin), cell: (row) => html`<${Channel} name=${channelOf(row.origin)} />` },
  { key: "tokens", name: T.tokens, end: true, sort: used, cell: (row) => number(used(row)) },
  { key: "overrides", name: T.overrides, cell: (row) => overrides(row).map((one) => html`<${Tag} key=${one}>${one}<//> `) },
  { key: "tasks", name: words.tabs.tasks, end: true, sort: (row) => row.tasks, cell: (row) => (row.tasks ? number(row.tasks) : "") },
  { key: "updated", name: T.updated, sort: (row) => row.updatedAt, cell: (row) => html`<${Time} at=${row.updatedAt} />` },
];

/** What a session has of its own, in words. */
function overrides(row) {
  const queue = row.queue?.mode ?? row.queue;
  return [
    row.model && T.own.model(row.model),
    row.thinking && T.own.thinking(row.thinking),
    row.verbose && T.own.verbose(row.verbose),
    row.reasoning && T.own.reasoning(row.reasoning),
    queue && T.own.queue(String(queue)),
  ].filter(Boolean);
}

function One({ agent, row }) {
  const back = place(agent.id, "sessions");
  return html`
    <p><${Inside} to=${back}>${T.back}<//></p>
    <${Part} name=${visible(row.displayName)}>
      <${Actions} row=${row} gone=${() => go(back)} />
      <${Facts} rows=${[
        [T.origin, html`<${Channel} name=${channelOf(row.origin)} />`],
        [T.tokens, number(used(row))],
        [T.context, row.contextUsed && row.contextLimit ? T.of(number(row.contextUsed), number(row.contextLimit)) : ""],
        [T.cost, cost(row.cost)],
        [T.overrides, overrides(row).join(", ")],
        [T.updated, html`<${Time} at=${row.updatedAt} />`],
        [T.transcript, html`<a href=${`/sessions/${encodeURIComponent(row.sessionKey)}`}>${T.read}</a>`],
        [T.key, html`<code>${row.sessionKey}</code>`],
      ]} />
      <${Own} agent=${agent} row=${row} />
    <//>
    <${TaskList} name=${T.tasks} agentId=${agent.id} sessionKey=${row.sessionKey} />
  `;
}

/** What a session can have of its own; what is chosen counts from its next message on. */
function Own({ agent, row }) {
  const live = useLive(() => rpc("models.list", { agentId: agent.id }), { events: ["agents.changed"], keys: [agent.id] });
  const models = (live.data?.models ?? []).map((one) => [one.ref, one.ready ? one.ref : T.unready(one.ref)]);
  const known = !row.model || models.some(([ref]) => ref === row.model);
  const patch = (name) => (value) =>
    told(() => rpc("sessions.patch", { sessionKey: row.sessionKey, exact: true, [name]: value || null }), T.changed);
  return html`
    <div class="columns">
      <${Choice} name=${T.model} value=${row.model ?? ""} change=${patch("model")}
        options=${[["", T.asAgent(agent.model.primary)], ...models, ...(known ? [] : [[row.model, row.model]])]} />
      <${Choice} name=${T.thinking} value=${row.thinking ?? ""} change=${patch("thinking")}
        options=${[["", T.asAgent("")], ...T.thinkings]} />
    </div>
  `;
}
