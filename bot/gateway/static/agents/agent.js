// One agent: what it is, and a tab for everything it has.
import { useEffect } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Facts, Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { retitle } from "../ui/shell.js";
import { Nothing } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";
import { T } from "../strings/agents.js";
import { Channels } from "./channels.js";
import { Files } from "./files.js";
import { Memory } from "./memory.js";
import { Models } from "./models.js";
import { Act, pending, place } from "./parts.js";
import { Sessions } from "./sessions.js";
import { Skills } from "./skills.js";
import { Tasks } from "./tasks.js";
import { HOST } from "./taskstate.js";

const PANELS = { models: Models, channels: Channels, sessions: Sessions, tasks: Tasks, skills: Skills, memory: Memory, files: Files };
const TABS = Object.keys(PANELS).map((id) => ({ id, name: T.tabs[id] }));

export function Agent({ id, tab }) {
  const live = useLive(() => rpc("agents.list"), { events: ["agents.changed"], keys: [id] });
  const agent = live.data?.agents.find((row) => row.id === id.toLowerCase());
  useEffect(() => void (agent && retitle(visible(agent.name))), [agent?.name]);
  const waiting = pending(live);
  if (waiting) return waiting;
  if (!agent) {
    const action = html`<a class="button" href="/agents">${T.toList}</a>`;
    return html`<${Nothing} title=${T.none(visible(id))} text=${T.noneText} action=${action} />`;
  }
  const Panel = PANELS[tab] ?? Models;
  return html`
    <${Facts} rows=${[
      [T.id, html`<code>${agent.id}</code>`],
      [T.state, html`<${Tag} look=${agent.enabled ? "good" : ""}>${agent.enabled ? T.on : T.off}<//>${agent.default && html` <${Tag}>${T.default}<//>`}`],
      [T.model, agent.model.primary],
      [T.zone, agent.timezone === HOST ? T.hostZone : agent.timezone],
      [T.workspace, agent.workspace],
    ]} />
    ${!agent.enabled && html`<${Off} agent=${agent} reload=${live.reload} />`}
    <${Tabs} name=${T.about} tabs=${TABS} current=${PANELS[tab] ? tab : "models"} choose=${(next) => go(place(agent.id, next))}>
      <${Panel} key=${tab} agent=${agent} agents=${live.data.agents} reload=${live.reload} />
    <//>
  `;
}

/** An agent that is off answers nobody and runs no task; what it has can be looked at. */
function Off({ agent, reload }) {
  const turn = async () => {
    await rpc("agents.update", { agentId: agent.id, enabled: null });
    await reload();
  };
  return html`
    <div class="banner" role="note">
      <p><strong>${T.isOff}.</strong> ${T.isOffText}</p>
      <${Act} name=${T.enable} look="primary" run=${turn} done=${T.enabled(agent.name)} />
    </div>
  `;
}
