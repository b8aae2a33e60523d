// /logs: what runs, and where its log is.
import { html } from "../ui/html.js";
import { CopyButton } from "../ui/copy.js";
import { useLive } from "../ui/live.js";
import { Facts, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Failed } from "../ui/table.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/logs.js";

mount(App);

function App() {
  const live = useLive(() => rpc("status"), { events: ["channel.status"] });
  return html`
    <p>${T.where}</p>
    <div class="actions"><code>${T.command}</code> <${CopyButton} text=${T.command} /></div>
    <h2>${T.now}</h2>
    ${live.error && html`<${Failed} error=${live.error} again=${live.reload} />`}
    ${live.data && html`<${Status} status=${live.data} />`}
  `;
}

function Status({ status }) {
  return html`<${Facts} rows=${[
    [T.version, status.version],
    [T.started, html`<${Time} at=${status.startedAt} />`],
    [T.ready, status.ready ? common.yes : common.no],
  ]} />`;
}
