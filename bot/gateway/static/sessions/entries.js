// A transcript as a list of entries: who, when, what, and every tool that was used on the way.
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { cost, duration } from "../ui/format.js";
import { rendered } from "../ui/markdown.js";
import { channelOf, visible } from "../ui/names.js";
import { Tag, Time } from "../ui/parts.js";
import { WhyButton } from "../ui/why.js";
import { T } from "../strings/sessions.js";

export function Entries({ items }) {
  const answered = new Set(items.filter((item) => item.kind === "answer").map((item) => item.runId));
  const storied = (item) => item.runId && (item.kind === "answer" || !answered.has(item.runId));
  return html`
    <ol class="entries">
      ${items.map((item) => html`<${Entry} key=${item.key} item=${item} storied=${storied(item)} />`)}
    </ol>
  `;
}

/** `storied`: a question and its answer have one story, which the answer offers. */
function Entry({ item, storied }) {
  return html`
    <li class=${`entry ${item.kind}`}>
      <div class="entry-head">
        <h3>${speaker(item)}</h3>
        <${State} item=${item} />
        <${Time} at=${item.at ?? item.startedAt} />
      </div>
      ${item.thinking && html`<${Fold} name=${T.thinking} text=${item.thinking} />`}
      ${(item.tools ?? []).map((tool) => html`<${Tool} key=${tool.id} tool=${tool} />`)}
      ${item.text && (item.kind === "answer" ? html`<${Markdown} text=${item.text} />` : html`<div class="plain-text" dir="auto">${item.text}</div>`)}
      ${(item.attachments ?? []).map((one) => html`<p class="soft">${T.file(visible(one.name ?? one.kind))}</p>`)}
      ${item.kind !== "note" && storied && html`<${Foot} item=${item} />`}
    </li>
  `;
}

function speaker(item) {
  if (item.kind === "note") return T.note;
  if (item.kind === "answer") return T.answer;
  const name = item.author?.name || item.author?.username;
  return html`<bdi>${name ? visible(name) : T.operator}</bdi>${channelOf(item.origin) && ` ${T.via(channelOf(item.origin))}`}`;
}

const LOOKS = { error: "bad", running: "good", failed: "bad" };

function State({ item }) {
  const word = T.states[item.state];
  return word ? html`<${Tag} look=${LOOKS[item.state] ?? ""}>${word}<//>` : null;
}

function Foot({ item }) {
  const took = item.startedAt && item.endedAt ? (Date.parse(item.endedAt) - Date.parse(item.startedAt)) / 1000 : null;
  const facts = [item.model, item.usage && T.used(item.usage), cost(item.usage?.cost), took && duration(took)];
  return html`
    <div class="entry-foot">
      ${item.kind === "answer" && facts.filter(Boolean).map((fact) => html`<span>${fact}</span>`)}
      <${WhyButton} id=${item.runId} />
    </div>
  `;
}

function Markdown({ text }) {
  const box = useRef(null);
  useLayoutEffect(() => box.current.replaceChildren(rendered(text)), [text]);
  return html`<div class="md" dir="auto" ref=${box}></div>`;
}

function Fold({ name, text }) {
  return html`<details class="fold"><summary>${name}</summary><div class="plain-text" dir="auto">${text}</div></details>`;
}

function Tool({ tool }) {
  const input = tool.args && Object.keys(tool.args).length ? JSON.stringify(tool.args, null, 2) : "";
  return html`
    <details class="fold">
      <summary><b>${visible(tool.name)}</b> ${T.tools[tool.state] ?? tool.state}</summary>
      ${input && html`<h4>${T.input}</h4><pre tabindex="0" role="region" aria-label=${T.input}>${input}</pre>`}
      ${tool.result && html`<h4>${T.output}</h4><pre tabindex="0" role="region" aria-label=${T.output} dir="auto">${tool.result}</pre>`}
      ${!input && !tool.result && html`<p class="soft">${T.noDetails}</p>`}
    </details>
  `;
}
