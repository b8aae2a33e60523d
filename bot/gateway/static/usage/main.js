// /usage: what models cost and how fast everything is, as plots, tables and files.
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { Choice } from "../ui/form.js";
import { duration, exactly, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { Facts } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Failed, Nothing } from "../ui/table.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/usage.js";
import { Heat } from "./heat.js";
import { Plot } from "./plot.js";
import { bars, daysBack, parts, perDay } from "./shapes.js";

const DAYS = ["7", "30", "90", "365"];
const end = (name, field) => ({ key: field, name, end: true, value: (row) => row[field], cell: (row) => number(row[field]) });
const text = (name, field) => ({ key: field, name, value: (row) => row[field] });
const short = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds));
const money = (value) => (value === null || value === undefined ? "" : `$${value.toFixed(4)}`);
const USED = [
  text(T.day, "day"),
  text(T.agent, "agent"),
  { ...text(T.model, "model"), cell: (row) => row.model || T.unknown },
  end(T.runs, "runs"),
  end(T.input, "inputTokens"),
  end(T.output, "outputTokens"),
  { ...end(T.cost, "cost"), cell: (row) => money(row.cost) },
  end(T.unpriced, "unpriced"),
];
const TIMES = [{ key: "upTo", name: T.upTo, value: (row) => row.upTo, cell: (row) => (row.upTo === null ? T.over : short(row.upTo)) }, end(T.runs, "count")];

mount(App);

function App() {
  const days = DAYS.includes(param("days")) ? param("days") : "30";
  const live = useLive(() => rpc("usage.series", { days: Number(days) }), { events: ["sessions.changed"], keys: [days] });
  const { data } = live;
  return html`
    <div class="filters">
      <${Choice} name=${T.days} value=${days} options=${DAYS.map((one) => [one, T.dayCount(one)])} change=${(value) => setParam("days", value === "30" ? "" : value)} />
      <${Choice} name=${T.by} value=${param("by", "model")} options=${[["model", T.byModel], ["agent", T.byAgent]]} change=${(value) => setParam("by", value === "model" ? "" : value)} />
    </div>
    ${live.error && html`<${Failed} error=${live.error} again=${live.reload} />`}
    ${!data && !live.error && html`<p class="soft state loading">${common.loading}</p>`}
    ${data && !data.usage.length && !data.messages.length && html`<${Nothing} title=${T.empty} text=${T.emptyText}
      action=${html`<a class="button" href="/chat">${T.toChat}</a>`} />`}
    ${data && (data.usage.length > 0 || data.messages.length > 0) && html`<${Used} data=${data} /><${Week} data=${data} />`}
  `;
}

function Used({ data }) {
  const sum = (field) => data.usage.reduce((all, row) => all + (row[field] ?? 0), 0);
  const by = param("by", "model") === "agent" ? (row) => row.agent : (row) => row.model || T.unknown;
  const days = daysBack(data.days);
  const tokens = [[T.input, (row) => row.inputTokens], [T.output, (row) => row.outputTokens]];
  return html`
    <${Facts} rows=${[
      [T.runs, number(sum("runs"))],
      [T.input, number(sum("inputTokens"))],
      [T.output, number(sum("outputTokens"))],
      [T.cost, money(sum("cost"))],
      [T.unpriced, number(sum("unpriced"))],
    ]} />
    <${Plot} id="cost" name=${T.costs} note=${T.costsText} ...${perDay(days, data.usage, by, (row) => row.cost)} columns=${USED} rows=${data.usage} />
    <${Plot} id="tokens" name=${T.tokens} ...${parts(days, data.usage, tokens)} columns=${USED} rows=${data.usage} />
  `;
}

function Week({ data }) {
  const days = daysBack(Math.min(8, data.days + 1));
  const failures = [[T.failed, (row) => row.failed - row.limited], [T.limited, (row) => row.limited]];
  const spread = (id, name) => {
    const { p50, p95, count } = data[id];
    const figures = count ? T.percentiles(short(p50), short(p95), number(count)) : "";
    return html`<${Plot} id=${id} name=${name} figures=${figures} ...${bars(data[id], T.runs)} columns=${TIMES} rows=${count ? data[id].bars : []} />`;
  };
  const messages = [{ ...text(T.at, "at"), cell: (row) => exactly(row.at) }, text(T.channel, "channel"), end(T.count, "count")];
  const tools = { names: data.tools.map((row) => row.name), series: [
    { name: T.failures, values: data.tools.map((row) => row.failed) },
    { name: T.calls, values: data.tools.map((row) => row.calls - row.failed) },
  ] };
  return html`
    <p class="hint">${T.since(exactly(data.since))} ${data.cut && T.cut(number(data.reply.count))}</p>
    ${spread("firstToken", T.firstToken)} ${spread("reply", T.reply)} ${spread("queueWait", T.queueWait)}
    <${Plot} id="messages" name=${T.messages} columns=${messages} rows=${data.messages}><${Heat} rows=${data.messages} /><//>
    <${Plot} id="tools" name=${T.tools} ...${tools} columns=${[text(T.tool, "name"), end(T.calls, "calls"), end(T.failures, "failed")]} rows=${data.tools} />
    <${Plot} id="runs" name=${T.refusals} ...${parts(days, data.runs, failures)}
      columns=${[text(T.day, "day"), end(T.runs, "runs"), end(T.failed, "failed"), end(T.limited, "limited")]} rows=${data.runs} />
    <${Plot} id="waits" name=${T.waits} note=${T.waitsText} ...${perDay(days, data.waits, (row) => row.name, (row) => row.count)}
      columns=${[text(T.day, "day"), { ...text(T.kind, "kind"), cell: (row) => T.kinds[row.kind] }, text(T.name, "name"), end(T.times, "count"), end(T.waited, "seconds")]} rows=${data.waits} />
    <${Plot} id="deliveries" name=${T.deliveries} names=${data.deliveries.map((row) => row.channel)}
      series=${[{ name: T.again, values: data.deliveries.map((row) => row.again) }, { name: T.parts, values: data.deliveries.map((row) => row.parts - row.again) }]}
      columns=${[text(T.channel, "channel"), end(T.parts, "parts"), end(T.again, "again")]} rows=${data.deliveries} />
  `;
}
