// Routes: which rule leads where to this agent; those of the file can be added and taken away.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Choice, Field } from "../ui/form.js";
import { Tag, Time } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_channels.js";
import { Act, Opens, Part } from "./parts.js";

export function Routes({ agent, live, channels }) {
  const rows = (live.data?.bindings ?? []).filter((row) => row.agent === agent.id);
  const add = html`
    <${Opens} name=${T.addRoute}>${(close) => html`<${Add} agent=${agent} live=${live} channels=${channels} close=${close} />`}<//>
  `;
  return html`
    <${Part} name=${T.routes} hint=${agent.default ? T.routesDefault : T.routesHint} actions=${add}>
      <${Table} name=${T.routes} columns=${columns(live)} rows=${rows} id=${(row) => `${row.origin}${row.number}${said(row.match)}`} live=${live}
        by="routes" empty=${{ title: T.noRoutes }} />
    <//>
  `;
}

const columns = (live) => [
  { key: "match", name: T.rule, cell: (row) => said(row.match) || T.everywhere },
  {
    key: "origin", name: T.origin, sort: (row) => row.origin,
    cell: (row) => (row.number ? html`<${Tag}>${T.fileRoute(row.number)}<//>` : html`<${Tag}>${T.switched(row.setBy)}<//> <${Time} at=${row.at} />`),
  },
  { key: "actions", name: words.actions, cell: (row) => row.number && html`<${Remove} row=${row} live=${live} />` },
];

/** The conditions of a route in words. */
const said = (match) =>
  Object.entries(match).map(([name, value]) => `${T.conditions[name] ?? name}: ${[value].flat().join(", ")}`).join(" · ");

/** The file's own routes as they are saved. */
const ofFile = (live) =>
  live.data.bindings.filter((one) => one.number).map(({ agent, match, number }) => ({ agent, match, number }));

const saved = (rows) => rows.map(({ agent, match }) => ({ agent, match }));

function Remove({ row, live }) {
  const remove = async () => {
    const left = ofFile(live).filter((one) => one.number !== row.number);
    await rpc("bindings.set", { bindings: saved(left), base: live.data.base });
    await live.reload();
  };
  return html`<${Act} name=${T.remove} about=${said(row.match)} look="quiet" run=${remove} done=${T.routeRemoved} />`;
}

function Add({ agent, live, channels, close }) {
  const [match, setMatch] = useState({ account: channels[0]?.account ?? "", kind: "", peer: "", conversation: "" });
  const [error, setError] = useState("");
  const set = (name) => (value) => setMatch((old) => ({ ...old, [name]: value }));
  const submit = async () => {
    const given = Object.fromEntries(Object.entries(match).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
    try {
      await rpc("bindings.set", { bindings: [...saved(ofFile(live)), { agent: agent.id, match: given }], base: live.data.base });
      announce(T.routeAdded);
      close();
      await live.reload();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  const accounts = channels.map((one) => [one.account, one.account]);
  return html`
    <${Dialog} title=${T.addRoute} action=${T.addRoute} onClose=${close} onSubmit=${submit}>
      <p>${T.routeText(agent.name)}</p>
      <${Choice} name=${T.conditions.account} value=${match.account} change=${set("account")} options=${[["", T.anyAccount], ...accounts]} />
      <${Choice} name=${T.conditions.kind} value=${match.kind} change=${set("kind")} options=${T.kinds} />
      <${Field} name=${T.conditions.peer} value=${match.peer} change=${set("peer")} hint=${T.peerHint} />
      <${Field} name=${T.conditions.conversation} value=${match.conversation} change=${set("conversation")} hint=${T.conversationHint} />
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}
