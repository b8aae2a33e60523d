// One session: what it is, what can be done with it, and what was said and done in it.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { cost, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { channelOf, visible } from "../ui/names.js";
import { Channel, Facts, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Failed, Nothing } from "../ui/table.js";
import { told } from "../ui/toast.js";
import { TaskList } from "../agents/tasks.js";
import { empty, items, withEarlier, withHistory } from "../chat/transcript.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/sessions.js";
import { Actions } from "./actions.js";
import { Entries } from "./entries.js";

const PAGE = 200;
const MOST = 5_000;

/** `id` is a session's key, or the id of its present transcript. */
export function Session({ id }) {
  const live = useLive(() => found(id), { events: ["sessions.changed"], keys: [id] });
  const row = live.data?.row;
  useEffect(() => void (row && retitle(visible(row.displayName))), [row?.displayName]);
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!live.data) return html`<p class="soft state loading">${common.loading}</p>`;
  if (!row) {
    const action = html`<a class="button" href="/sessions">${T.toList}</a>`;
    return html`<${Nothing} title=${T.none} text=${T.noneText} action=${action} />`;
  }
  return html`
    <${Actions} row=${row} />
    <${About} row=${row} />
    <${TaskList} name=${T.tasks} sessionKey=${row.sessionKey} />
    <h2>${T.transcript}</h2>
    <${Transcript} key=${row.sessionKey} sessionKey=${row.sessionKey} />
  `;
}

async function found(id) {
  const agentId = id.startsWith("agent:") ? decodeURIComponent(id.split(":")[1]) : undefined;
  const { sessions } = await rpc("sessions.list", { limit: MOST, agentId });
  return { row: sessions.find((one) => one.sessionKey === id || one.sessionId === id) ?? null };
}

function About({ row }) {
  const state = row.running ? html`<${Tag} look="good">${T.running}<//>` : "";
  const context = row.contextUsed && row.contextLimit ? T.of(number(row.contextUsed), number(row.contextLimit)) : "";
  return html`<${Facts} rows=${[
    [T.state, state],
    [T.agent, html`<a href=${`/agents/${encodeURIComponent(row.agentId)}`}>${visible(row.agentId)}</a>`],
    [T.channel, html`<${Channel} name=${channelOf(row.origin)} />`],
    [T.place, row.origin && visible(row.origin.conversation)],
    [T.kind, T.kinds[row.kind] ?? row.kind],
    [T.model, row.model],
    [T.tokensIn, number(row.inputTokens)],
    [T.tokensOut, number(row.outputTokens)],
    [T.context, context],
    [T.cost, cost(row.cost)],
    [T.compactions, row.compactions || ""],
    [T.created, html`<${Time} at=${row.createdAt} />`],
    [T.updated, html`<${Time} at=${row.updatedAt} />`],
    [T.key, html`<code>${row.sessionKey}</code>`],
  ]} />`;
}

function Transcript({ sessionKey }) {
  const [talk, setTalk] = useState(empty());
  const page = (before) => rpc("chat.history", { sessionKey, exact: true, limit: PAGE, ...(before && { before }) });
  const live = useLive(() => page(), {
    events: ["sessions.changed", "chat"],
    wanted: (payload) => payload.sessionKey === sessionKey && payload.state !== "delta",
  });
  useEffect(() => void (live.data && setTalk((old) => withHistory(old, live.data))), [live.data]);
  const earlier = () =>
    told(async () => {
      const older = await page(talk.rows[0].id);
      setTalk((old) => withEarlier(old, older));
    });
  if (live.error && !talk.loaded) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!talk.loaded) return html`<p class="soft state loading">${common.loading}</p>`;
  const shown = items(talk);
  if (!shown.length) return html`<${Nothing} title=${T.nothingSaid} text=${T.nothingSaidText} />`;
  return html`
    ${talk.hasMore && html`<div class="actions"><button type="button" class="button" onClick=${earlier}>${T.earlier}</button></div>`}
    <${Entries} items=${shown} />
  `;
}
