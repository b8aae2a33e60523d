// What an agent can do: its skills, its tools, and the hooks that run around it.
import { html } from "../ui/html.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_more.js";
import { Part } from "./parts.js";

export function Skills({ agent }) {
  const skills = useLive(() => rpc("skills.list", { agentId: agent.id }), { events: ["agents.changed"], keys: [agent.id] });
  const tools = useLive(() => rpc("tools.list", { agentId: agent.id }), { events: ["agents.changed"], keys: [agent.id] });
  const hooks = useLive(() => rpc("hooks.list"), { events: ["agents.changed"], keys: [agent.id] });
  return html`
    <${Part} name=${T.skills} hint=${T.skillsHint}>
      <${Table} name=${T.skills} columns=${SKILLS} rows=${skills.data?.skills ?? []} id=${(row) => `${row.name}${row.location}`} live=${skills}
        by="skills" empty=${{ title: T.noSkills, text: T.noSkillsText }} />
    <//>
    <${Part} name=${T.tools} hint=${T.toolsHint}>
      <${Table} name=${T.tools} columns=${TOOLS} rows=${tools.data?.tools ?? []} id=${(row) => row.name} live=${tools} by="tools"
        empty=${{ title: T.noTools }} />
    <//>
    <${Part} name=${T.hooks} hint=${T.hooksHint}>
      <${Table} name=${T.hooks} columns=${HOOKS} rows=${hooks.data?.hooks ?? []} id=${(row) => `${row.name}${row.location}`} live=${hooks}
        by="hooks" empty=${{ title: T.noHooks, text: T.noHooksText }} />
    <//>
  `;
}

const readiness = {
  key: "ready", name: words.state, sort: (row) => String(row.ready),
  cell: (row) => html`
    <div class="stack">
      <${Tag} look=${row.ready ? "good" : "bad"}>${row.ready ? words.ready : row.enabled === false ? words.off : words.notReady}<//>
      ${row.reason && html`<span class="hint">${row.reason}</span>`}
    </div>`,
};
const described = {
  key: "description", name: T.description, cell: (row) => html`<span dir="auto">${visible(row.description ?? "")}</span>`,
};
const named = { key: "name", name: T.name, sort: (row) => row.name, cell: (row) => visible(row.name) };
const located = { key: "source", name: T.source, sort: (row) => row.source, cell: (row) => html`<span title=${row.location}>${row.source}</span>` };

const SKILLS = [named, readiness, described, located];
const TOOLS = [
  named,
  {
    key: "allowed", name: words.state, sort: (row) => String(row.allowed),
    cell: (row) => html`<${Tag} look=${row.allowed ? "good" : ""}>${row.allowed ? T.allowed : T.denied}<//>`,
  },
  { key: "risk", name: T.risk, sort: (row) => row.risk, cell: (row) => row.risk },
  described,
];
const HOOKS = [named, readiness, { key: "events", name: T.events, cell: (row) => row.events.join(", ") }, described, located];
