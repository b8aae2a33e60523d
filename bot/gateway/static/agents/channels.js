// Channels: the accounts that reach this agent, who asks to be let in, who was, and the routes.
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { Check } from "../ui/form.js";
import { useLive } from "../ui/live.js";
import { Channel, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_channels.js";
import { Account } from "./account.js";
import { State } from "./channelstate.js";
import { Inside, Opens, Part, place } from "./parts.js";
import { AddChannel } from "./newchannel.js";
import { Asking, People } from "./people.js";
import { Routes } from "./routes.js";

export function Channels({ agent }) {
  const live = useLive(read, { events: ["channel.status", "agents.changed"], keys: [agent.id] });
  const every = live.data?.channels ?? [];
  const open = param("account");
  const row = every.find((one) => one.account === open);
  if (open && row) return html`<${Account} key=${open} agent=${agent} row=${row} reload=${live.reload} />`;
  const reaching = every.filter((one) => reaches(one, agent, live.data));
  const shown = param("every") ? every : reaching;
  const accounts = reaching.map((one) => one.account);
  const add = html`<${Opens} name=${T.add} look="primary">${(close) => html`<${AddChannel} agent=${agent} close=${close} reload=${live.reload} />`}<//>`;
  return html`
    <${Asking} accounts=${accounts} every=${agent.default} />
    <${Part} name=${T.accounts} hint=${T.accountsHint} actions=${add}>
      ${every.length > reaching.length &&
      html`<${Check} name=${T.every(every.length - reaching.length)} value=${Boolean(param("every"))} change=${(on) => setParam("every", on ? "1" : "")} />`}
      <${Table} name=${T.accounts} columns=${columns(agent)} rows=${shown} id=${(one) => one.account} live=${live}
        empty=${{ title: T.none, text: T.noneText }} />
    <//>
    <${Routes} agent=${agent} live=${live} channels=${every} />
    <${People} accounts=${accounts} />
  `;
}

async function read() {
  const [{ channels }, routes] = await Promise.all([rpc("channels.list"), rpc("bindings.list")]);
  return { channels, ...routes };
}

/** Does an account reach an agent: as a whole, or by a route that can match in it? */
function reaches(row, agent, { bindings }) {
  if (row.agent === agent.id) return true;
  return bindings.some(({ agent: to, match }) => {
    const named = [match.account, match.channel].filter(Boolean);
    return to === agent.id && (match.account ? match.account === row.account : named.every((one) => one === row.account || one === row.adapter));
  });
}

const columns = (agent) => [
  {
    key: "account", name: T.account, sort: (row) => row.account,
    cell: (row) => html`<${Inside} to=${place(agent.id, "channels", { account: row.account })}><${Channel} name=${row.account} /><//>`,
  },
  { key: "adapter", name: T.adapter, sort: (row) => row.adapter, cell: (row) => html`<span class="keep">${row.adapter}</span>` },
  { key: "state", name: words.state, sort: (row) => row.state, cell: (row) => html`<${State} row=${row} />` },
  { key: "agent", name: T.answers, sort: (row) => row.agent, cell: (row) => html`<${Answers} row=${row} />` },
  { key: "last", name: T.lastEvent, sort: (row) => row.lastEventAt, cell: (row) => html`<${Time} at=${row.lastEventAt} />` },
];

function Answers({ row }) {
  return html`<div class="stack"><span>${row.agent}</span><span class="hint">${row.matchedBy}</span></div>`;
}
