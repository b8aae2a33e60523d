// People: who asks to be let in, and who was.
import { html } from "../ui/html.js";
import { confirm } from "../ui/dialog.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Channel, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_channels.js";
import { Act, Part } from "./parts.js";

/** Requests on these accounts, on every account where `every`; nothing is shown when nobody asks. */
export function Asking({ accounts, every }) {
  const live = useLive(() => rpc("pairing.list"), { events: ["pairing.requested"] });
  const all = (live.data?.pairings ?? []).filter((row) => row.kind === "sender");
  const rows = all.filter((row) => every || accounts.includes(row.account));
  if (!rows.length) return null;
  return html`
    <${Part} name=${T.asking} hint=${T.askingHint}>
      <${Table} name=${T.asking} columns=${asking(live.reload)} rows=${rows} id=${(row) => row.id} live=${live} by="asking" empty=${{ title: T.nobody }} />
    <//>
  `;
}

const asking = (reload) => [
  { key: "who", name: T.person, cell: (row) => html`<${Person} author=${row.author} />` },
  { key: "account", name: T.account, cell: (row) => html`<${Channel} name=${row.account} />` },
  { key: "code", name: T.code, cell: (row) => html`<code>${row.code}</code>` },
  { key: "until", name: T.until, cell: (row) => html`<${Time} at=${row.expiresAt} />` },
  { key: "actions", name: words.actions, cell: (row) => html`<${Decide} row=${row} reload=${reload} />` },
];

function Decide({ row, reload }) {
  const decide = (how) => async () => {
    await rpc(`pairing.${how}`, { id: row.id });
    await reload();
  };
  const name = nameOf(row.author);
  return html`
    <div class="actions">
      <${Act} name=${T.approve} about=${name} look="button" run=${decide("approve")} done=${T.approved(name)} />
      <${Act} name=${T.deny} about=${name} look="quiet" run=${decide("deny")} done=${T.denied(name)} />
    </div>
  `;
}

/** Who was let in by pairing on these accounts. */
export function People({ accounts }) {
  const live = useLive(() => rpc("pairing.people"), { events: ["pairing.requested"] });
  const rows = (live.data?.people ?? []).filter((row) => accounts.includes(row.account));
  return html`
    <${Part} name=${T.people} hint=${T.peopleHint}>
      <${Table} name=${T.people} columns=${people(live.reload)} rows=${rows} id=${(row) => `${row.account}:${row.author.id}`} live=${live}
        by="people" empty=${{ title: T.noPeople }} />
    <//>
  `;
}

const people = (reload) => [
  { key: "who", name: T.person, sort: (row) => nameOf(row.author), cell: (row) => html`<${Person} author=${row.author} />` },
  { key: "account", name: T.account, sort: (row) => row.account, cell: (row) => html`<${Channel} name=${row.account} />` },
  { key: "since", name: T.since, sort: (row) => row.since, cell: (row) => html`<${Time} at=${row.since} />` },
  { key: "actions", name: words.actions, cell: (row) => html`<${Revoke} row=${row} reload=${reload} />` },
];

function Revoke({ row, reload }) {
  const name = nameOf(row.author);
  const revoke = async () => {
    const asked = { title: T.revokeTitle(name), text: T.revokeText, action: T.revoke, danger: true };
    if (!(await confirm(asked))) return;
    await rpc("pairing.revoke", { account: row.account, author: row.author.id });
    announce(T.revoked(name));
    await reload();
  };
  return html`<${Act} name=${T.revoke} about=${name} look="quiet" run=${revoke} />`;
}

const nameOf = (author) => visible(author.name || author.username || author.id);

function Person({ author }) {
  return html`<div class="stack"><bdi>${nameOf(author)}</bdi><span class="hint">${visible(author.id)}</span></div>`;
}
