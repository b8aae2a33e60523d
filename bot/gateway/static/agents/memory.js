// The memory of an agent: how much is indexed, and a search in it as the agent has it.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { Field } from "../ui/form.js";
import { number } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Facts, Tag, Time } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { Failed, Nothing } from "../ui/table.js";
import { T as common } from "../strings/common.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_more.js";
import { Act, Inside, Part, pending, place } from "./parts.js";

export function Memory({ agent }) {
  const live = useLive(() => rpc("memory.status", { agentId: agent.id }), { events: ["agents.changed"], keys: [agent.id] });
  const index = async () => {
    await rpc("memory.index", { agentId: agent.id, again: true });
    await live.reload();
  };
  const state = live.data?.agents[0];
  return html`
    <${Part} name=${T.memory} hint=${T.memoryHint} actions=${html`<${Act} name=${T.index} run=${index} done=${T.indexed} />`}>
      ${pending(live) ??
      html`<${Facts} rows=${[
        [words.state, html`<${Tag} look=${state.problem ? "bad" : "good"}>${state.problem ? words.notReady : words.ready}<//> ${state.problem && html`<span class="hint">${state.problem}</span>`}`],
        [T.files, number(state.files)],
        [T.chunks, number(state.chunks)],
        [T.indexedAt, state.indexedAt && html`<${Time} at=${state.indexedAt} />`],
        [T.embeddings, state.embeddings ?? T.byWords],
        [T.vectors, state.embeddings && number(state.vectors)],
      ]} />`}
    <//>
    <${Find} agent=${agent} />
  `;
}

function Find({ agent }) {
  const asked = param("q");
  const [query, setQuery] = useState(asked);
  const search = (event) => {
    event.preventDefault();
    setParam("q", query.trim());
  };
  return html`
    <${Part} name=${T.search}>
      <form class="filters" role="search" onSubmit=${search}>
        <${Field} name=${T.question} type="search" value=${query} change=${setQuery} maxlength="1000" required />
        <div class="actions"><button class="primary">${T.searchNow}</button></div>
      </form>
      ${asked && html`<${Results} key=${asked} agent=${agent} query=${asked} />`}
    <//>
  `;
}

function Results({ agent, query }) {
  const live = useLive(() => rpc("memory.search", { agentId: agent.id, query, maxResults: 20 }), { keys: [agent.id, query] });
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!live.data) return html`<p class="soft state loading">${common.loading}</p>`;
  const { results } = live.data;
  if (!results.length) return html`<${Nothing} title=${T.notFound} text=${T.notFoundText} />`;
  return html`<ol class="results" aria-label=${T.results}>${results.map((one, at) => html`<${Hit} key=${at} agent=${agent} hit=${one} />`)}</ol>`;
}

function Hit({ agent, hit }) {
  return html`
    <li>
      <div class="actions">
        <${Inside} to=${place(agent.id, "files", { file: hit.path })}>${visible(hit.path)}<//>
        <span class="soft">${T.lines(hit.startLine, hit.endLine)}</span><span class="soft">${T.score(hit.score)}</span>
      </div>
      <div class="plain-text" dir="auto">${hit.text}</div>
    </li>
  `;
}
