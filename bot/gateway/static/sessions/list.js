// Every session in one table; what is filtered stands in the address.
import { useEffect } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param } from "../ui/address.js";
import { optionsOf, Only, Search, searched } from "../ui/filter.js";
import { cost, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { channelOf } from "../ui/names.js";
import { Channel, Name, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/sessions.js";
import { T as common } from "../strings/common.js";

const MOST = 5_000;
const used = (row) => row.inputTokens + row.outputTokens;
const channel = (row) => channelOf(row.origin) ?? common.web;
const COLUMNS = [
  { key: "name", name: T.session, sort: (row) => row.displayName, cell: (row) => html`<${Link} row=${row} />` },
  { key: "channel", name: T.channel, sort: channel, cell: (row) => html`<${Channel} name=${channelOf(row.origin)} />` },
  { key: "kind", name: T.kind, sort: (row) => row.kind, cell: (row) => T.kinds[row.kind] ?? row.kind },
  { key: "tokens", name: T.tokens, end: true, sort: used, cell: (row) => number(used(row)) },
  { key: "cost", name: T.cost, end: true, sort: (row) => row.cost, cell: (row) => cost(row.cost) },
  { key: "updated", name: T.updated, sort: (row) => row.updatedAt, cell: (row) => html`<${Time} at=${row.updatedAt} />` },
];

export function List() {
  useEffect(() => retitle(T.sessions), []);
  const live = useLive(() => rpc("sessions.list", { limit: MOST }), { events: ["sessions.changed"] });
  const rows = live.data?.sessions ?? [];
  const fits = (row) =>
    (!param("channel") || channel(row) === param("channel")) &&
    (!param("agent") || row.agentId === param("agent")) &&
    (!param("kind") || row.kind === param("kind"));
  const found = searched(rows.filter(fits), (row) => `${row.displayName} ${row.sessionKey}`);
  return html`
    <div class="filters">
      <${Search} />
      <${Only} name=${T.channel} by="channel" options=${optionsOf(rows, channel)} />
      <${Only} name=${T.agent} by="agent" options=${optionsOf(rows, (row) => row.agentId)} />
      <${Only} name=${T.kind} by="kind" options=${optionsOf(rows, (row) => row.kind, (one) => T.kinds[one] ?? one)} />
    </div>
    ${rows.length >= MOST && html`<p class="hint">${T.cut(number(MOST))}</p>`}
    <${Table} name=${T.sessions} columns=${COLUMNS} rows=${found} all=${rows.length} id=${(row) => row.sessionKey}
      live=${live} sort="-updated" empty=${{
        title: T.empty,
        text: T.emptyText,
        action: html`<a class="button" href="/chat">${T.toChat}</a>`,
      }} />
  `;
}

function Link({ row }) {
  return html`
    <a href=${`/sessions/${encodeURIComponent(row.sessionKey)}`}><${Name} text=${row.displayName} /></a>
    ${row.running && html` <${Tag} look="good">${T.running}<//>`}
    ${row.queued > 0 && html` <${Tag}>${T.queued(row.queued)}<//>`}
  `;
}
