// /logs: the end of the program's log as it grows, newest first.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { CopyButton } from "../ui/copy.js";
import { Search } from "../ui/filter.js";
import { Choice } from "../ui/form.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Name, Tag, Time } from "../ui/parts.js";
import { connection, rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/logs.js";

const MOST = 1_000;
const EVERY = 1_000;
const LOOKS = { error: "bad", critical: "bad", warning: "bad" };
const COMMON = ["at", "level", "event", "logger"];
const LEVELS = ["debug", "info", "warning", "error"];
const COLUMNS = [
  { key: "time", fit: true, name: T.time, sort: ({ record }) => record.at, cell: ({ record }) => html`<${Time} at=${record.at} />` },
  { key: "level", fit: true, name: T.named, sort: ({ record }) => record.level, cell: ({ record }) => html`<${Tag} look=${LOOKS[record.level] ?? ""}>${visible(String(record.level ?? ""))}<//>` },
  { key: "event", name: T.event, cell: ({ record }) => html`<${Name} text=${String(record.event ?? "")} />` },
  { key: "source", fit: true, name: T.source, cell: ({ record }) => html`<${Name} text=${String(record.logger ?? "")} />` },
  { key: "more", name: T.more, cell: ({ record }) => html`<code>${visible(rest(record))}</code>` },
];

mount(App);

function App() {
  const level = LEVELS.includes(param("level")) ? param("level") : "info";
  const asked = { level, search: param("q"), limit: MOST };
  const live = useLive(() => rpc("logs.tail", asked), { keys: [level, param("q")] });
  const [paused, setPaused] = useState(false);
  const { rows, waiting, flush } = useTail(live.data, asked, paused);
  const text = () => rows.map(({ record }) => JSON.stringify(record)).join("\n");
  const turn = () => (paused && flush(), setPaused(!paused));
  const filtered = param("q") || level !== "debug";
  const clear = html`<a class="button" href="/logs?level=debug">${T.clear}</a>`;
  return html`
    <div class="filters">
      <${Search} name=${T.search} />
      <${Choice} name=${T.level} value=${level} options=${LEVELS.map((one) => [one, T.levels[one]])}
        change=${(value) => setParam("level", value === "info" ? "" : value)} />
    </div>
    <div class="actions">
      <button type="button" class="button" aria-pressed=${String(paused)} onClick=${turn}>${paused ? T.follow : T.pause}</button>
      <${CopyButton} text=${text()} name=${T.copy} />
      ${paused && html`<span class="soft">${T.paused(waiting)}</span>`}
    </div>
    ${rows.length >= MOST && html`<p class="hint">${T.newest(MOST)}</p>`}
    <${Table} name=${T.records} columns=${COLUMNS} rows=${rows} id=${(row) => row.id} live=${live} sort="-time"
      empty=${filtered ? { title: T.noneMatch, action: clear } : { title: T.empty, text: T.emptyText }} />
  `;
}

/** What was read and what was added since, newest first; while paused, new ones are only counted. */
function useTail(data, asked, paused) {
  const [state, setState] = useState({ rows: [], waiting: [] });
  const next = useRef(null);
  const number = useRef(0);
  const numbered = (records) => records.map((record) => ({ id: ++number.current, record })).reverse();
  const stopped = useRef(paused);
  stopped.current = paused;
  useEffect(() => {
    if (!data) return undefined;
    next.current = data.next;
    setState({ rows: numbered(data.records), waiting: [] });
    let timer = 0;
    let gone = false;
    const look = async () => {
      const answer = connection.value === "open" && !document.hidden && (await rpc("logs.tail", { ...asked, ...(next.current && { after: next.current }) }).catch(() => null));
      if (gone) return;
      if (answer) {
        next.current = answer.next;
        const fresh = numbered(answer.records);
        if (fresh.length) setState((old) => added(old, fresh, stopped.current));
      }
      timer = setTimeout(look, EVERY);
    };
    timer = setTimeout(look, EVERY);
    return () => ((gone = true), clearTimeout(timer));
  }, [data]);
  const flush = () => setState((old) => ({ rows: [...old.waiting, ...old.rows].slice(0, MOST), waiting: [] }));
  return { rows: data ? state.rows : [], waiting: state.waiting.length, flush };
}

function added(old, fresh, paused) {
  if (paused) return { ...old, waiting: [...fresh, ...old.waiting].slice(0, MOST) };
  return { ...old, rows: [...fresh, ...old.rows].slice(0, MOST) };
}

/** What a record says beside its sentence. */
function rest(record) {
  const more = Object.entries(record).filter(([name]) => !COMMON.includes(name));
  return more.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
}
