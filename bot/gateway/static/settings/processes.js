// The processes that share the store: what each does, holds and has in hand. One alone needs no list.
import { html } from "../ui/html.js";
import { useLive } from "../ui/live.js";
import { Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/settings.js";

export function Processes() {
  const live = useLive(() => rpc("status"), { events: ["channel.status"] });
  const rows = live.data?.processes ?? [];
  if (rows.length < 2) return null;
  return html`
    <section aria-label=${T.processes}>
      <h2>${T.processes}</h2>
      ${live.data.problem && html`<p class="error" role="alert">${live.data.problem}</p>`}
      <${Table} name=${T.processes} columns=${COLUMNS} rows=${rows} id=${(row) => row.id} live=${live} by="processes" empty=${{}} />
    </section>
  `;
}

const COLUMNS = [
  { key: "where", name: T.process, sort: (row) => `${row.host} ${row.pid}`, cell: (row) => T.place(row) },
  { key: "role", name: T.does, sort: (row) => row.role, cell: (row) => row.role },
  { key: "version", name: T.version, sort: (row) => row.version, cell: (row) => row.version },
  { key: "since", name: T.since, sort: (row) => row.startedAt, cell: (row) => html`<${Time} at=${row.startedAt} />` },
  { key: "seen", name: T.seen, sort: (row) => row.seenAt, cell: (row) => html`<${Seen} row=${row} />` },
  { key: "lanes", name: T.lanes, sort: (row) => row.lanes, end: true, cell: (row) => row.lanes },
  { key: "holds", name: T.holds, cell: (row) => Object.keys(row.holds).join(", ") },
];

function Seen({ row }) {
  if (row.alive) return html`<${Tag} look="good">${T.alive}<//>`;
  return html`<${Tag} look="bad">${T.silent}<//> <${Time} at=${row.seenAt} />`;
}
