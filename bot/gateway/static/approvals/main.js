// /approvals: what waits for a yes or no in all sessions, and what was decided.
import { html } from "../ui/html.js";
import { param } from "../ui/address.js";
import { Approval } from "../ui/approval.js";
import { optionsOf, Only, Search, searched } from "../ui/filter.js";
import { useLive } from "../ui/live.js";
import { Name, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { told } from "../ui/toast.js";
import { Nothing, Table } from "../ui/table.js";
import { T } from "../strings/approvals.js";

const LOOKS = { allowed: "good", denied: "bad" };
const COLUMNS = [
  { key: "command", name: T.command, cell: (row) => html`<code><${Name} text=${row.command} /></code>` },
  { key: "tool", name: T.tool, sort: (row) => row.tool, cell: (row) => row.tool },
  { key: "place", name: T.from, sort: (row) => row.sessionKey, cell: (row) => html`<${From} row=${row} />` },
  { key: "outcome", name: T.outcome, sort: (row) => row.status, cell: (row) => html`<${Outcome} row=${row} />` },
  { key: "by", name: T.by, sort: (row) => row.decidedBy, cell: (row) => html`<${Name} text=${row.decidedBy} />` },
  { key: "time", name: T.time, sort: (row) => row.createdAt, cell: (row) => html`<${Time} at=${row.createdAt} />` },
];

mount(App);

function App() {
  const live = useLive(() => rpc("approvals.list", { all: true }), {
    events: ["approval.requested", "approval.resolved"],
  });
  const rows = live.data?.approvals ?? [];
  const waiting = rows.filter((row) => row.status === "pending").reverse();
  const decided = rows.filter((row) => row.status !== "pending");
  const fits = (row) => (!param("tool") || row.tool === param("tool")) && (!param("outcome") || row.status === param("outcome"));
  const found = searched(decided.filter(fits), (row) => `${row.command} ${row.sessionKey} ${row.decidedBy ?? ""}`);
  const decide = async (id, decision) => {
    await told(() => rpc("approvals.resolve", { id, decision }), T.saved[decision]);
    await live.reload();
  };
  return html`
    <h2>${T.waiting}</h2>
    ${live.data && !waiting.length && html`<${Nothing} title=${T.none} text=${T.noneText} />`}
    ${waiting.map(
      (row) => html`
        <${Approval} key=${row.id} row=${row} decide=${decide}>
          <p class="soft">${T.from} <${From} row=${row} /></p>
        <//>
      `,
    )}
    <h2>${T.decided}</h2>
    ${decided.length > 0 &&
    html`<div class="filters">
      <${Search} />
      <${Only} name=${T.tool} by="tool" options=${optionsOf(decided, (row) => row.tool)} />
      <${Only} name=${T.outcome} by="outcome" options=${optionsOf(decided, (row) => row.status, (one) => T.status[one] ?? one)} />
    </div>`}
    <${Table} name=${T.decided} columns=${COLUMNS} rows=${found} all=${decided.length} id=${(row) => row.id} live=${live} sort="-time"
      empty=${{ title: T.noneDecided }} />
    <${Always} />
  `;
}

/** What was allowed for always, until somebody takes it back. */
function Always() {
  const live = useLive(() => rpc("approvals.granted"), { events: ["approval.resolved", "agents.changed"] });
  const revoke = async ({ id, program }) => {
    await told(() => rpc("approvals.revoke", { id }), T.revoked(program));
    await live.reload();
  };
  const columns = [
    { key: "program", name: T.program, sort: (row) => row.program, cell: (row) => html`<code><${Name} text=${row.program} /></code>` },
    { key: "script", name: T.script, cell: (row) => (row.script ? html`<code><${Name} text=${row.script} /></code>` : T.anything) },
    { key: "agent", name: T.agent, sort: (row) => row.agentId, cell: (row) => html`<${Name} text=${row.agentId} />` },
    { key: "by", name: T.by, sort: (row) => row.setBy, cell: (row) => html`<${Name} text=${row.setBy} />` },
    { key: "since", name: T.since, sort: (row) => row.createdAt, cell: (row) => html`<${Time} at=${row.createdAt} />` },
    { key: "used", name: T.used, sort: (row) => row.usedAt, cell: (row) => (row.usedAt ? html`<${Time} at=${row.usedAt} />` : T.never) },
    { key: "act", name: T.revoke, cell: (row) => html`<button class="quiet" aria-label=${T.revokeName(row.program)} onClick=${() => revoke(row)}>${T.revoke}</button>` },
  ];
  return html`
    <h2>${T.always}</h2>
    <p class="soft">${T.alwaysText}</p>
    <${Table} name=${T.always} columns=${columns} rows=${live.data?.grants ?? []} id=${(row) => row.id} live=${live} sort="-since" by="order"
      empty=${{ title: T.noneAlways }} />
  `;
}

function From({ row }) {
  return html`<a href=${`/sessions/${encodeURIComponent(row.sessionKey)}`}><${Name} text=${row.sessionKey} /></a>`;
}

function Outcome({ row }) {
  return html`<${Tag} look=${LOOKS[row.status] ?? ""}>${T.status[row.status] ?? row.status}<//>`;
}
