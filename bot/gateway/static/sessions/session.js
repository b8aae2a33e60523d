// One session: what it is, and what was said.
import { useEffect } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { cost, number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { channelOf, visible } from "../ui/names.js";
import { Channel, Facts, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Failed } from "../ui/table.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/sessions.js";

export function Session({ id }) {
  const live = useLive(() => rpc("sessions.export", { sessionKey: id, exact: true }), {
    events: ["sessions.changed"],
    wanted: (payload) => payload.sessionKey === id,
    keys: [id],
  });
  const row = live.data?.session;
  useEffect(() => void (row && retitle(visible(row.displayName))), [row?.displayName]);
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!row) return html`<p class="soft state loading">${common.loading}</p>`;
  return html`
    <${Facts} rows=${[
      [T.channel, html`<${Channel} name=${channelOf(row.origin)} />`],
      [T.kind, T.kinds[row.kind] ?? row.kind],
      [T.tokens, number(row.inputTokens + row.outputTokens)],
      [T.cost, cost(row.cost)],
      [T.created, html`<${Time} at=${row.createdAt} />`],
      [T.updated, html`<${Time} at=${row.updatedAt} />`],
    ]} />
  `;
}
