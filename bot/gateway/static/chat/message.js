// One message: a person's bubble, an answer as it grows, a note.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { rendered } from "../ui/markdown.js";
import { when } from "../ui/format.js";
import { channelOf, visible } from "../ui/names.js";
import { connection } from "../ui/rpc.js";
import { withdraw } from "./actions.js";
import { AnswerActs, QuestionActs } from "./acts.js";
import { finish } from "./blocks.js";
import { Sent } from "./files.js";
import { edit } from "./branching.js";
import { sendAgain } from "./sending.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

const FEW = 3; // calls that are shown one by one

/** What did not change is not looked at again: a long log stays quick while one answer grows. */
export function Item({ item, last }) {
  return useMemo(() => {
    if (item.kind === "user") return html`<${Question} item=${item} />`;
    if (item.kind === "note") return html`<div class="note" dir="auto" data-id=${item.id}>${item.text}</div>`;
    return html`<${Answer} item=${item} last=${last} />`;
  }, [item, last]);
}

function Question({ item }) {
  const offline = item.state === "sending" && connection.value !== "open";
  const label = T.states[offline ? "offline" : item.state];
  const channel = channelOf(item.origin);
  const name = channel && (item.author?.name || item.author?.username || channel);
  return html`
    <article class=${`question ${item.state ?? ""}`} data-id=${item.id}>
      <h2 class="unseen">${name ? visible(name) : T.you}</h2>
      ${item.text && html`<div class="bubble"><div dir="auto">${item.text}</div></div>`}
      <${Sent} files=${item.attachments} />
      <footer>
        ${name && html`<span><bdi>${visible(name)}</bdi></span>`}
        ${label && html`<span>${label}${item.reason ? `: ${item.reason}` : ""}</span>`}
        ${item.state === "queued" &&
        html`
          <button class="quiet" onClick=${() => edit(item)}>${T.edit}</button>
          <button class="quiet" onClick=${() => withdraw(item.runId)}>${T.withdraw}</button>
        `}
        ${item.state === "failed" &&
        html`<button class="quiet" onClick=${() => sendAgain(item)}>${T.tryAgain}</button>`}
        <${QuestionActs} item=${item} />
        <time dateTime=${item.at}>${when(item.at)}</time>
      </footer>
    </article>
  `;
}

function Answer({ item, last }) {
  const growing = item.state === "running";
  const waiting = growing && !item.text;
  return html`
    <article
      class=${`answer ${item.state}`}
      data-id=${item.id}
      aria-live=${growing ? "off" : undefined}
      aria-busy=${growing ? "true" : undefined}
    >
      <h2 class="unseen">${state.agent.value?.name ?? T.agent}</h2>
      ${item.thinking && html`<${Fold} name=${T.thought(item.thoughtFor)} text=${item.thinking} />`}
      <${Tools} tools=${item.tools} over=${!growing} />
      ${item.text && html`<${Markdown} text=${item.text} growing=${growing} />`}
      <${Sent} files=${item.attachments} />
      ${waiting && html`<${Working} since=${item.startedAt} />`}
      ${item.state === "aborted" && html`<p class="aside">${T.stopped}</p>`}
      ${item.state === "error" && !item.text && html`<p class="aside">${T.broke}</p>`}
      ${!growing && html`<${Facts} item=${item} last=${last} />`}
    </article>
  `;
}

function Markdown({ text, growing }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    box.current.replaceChildren(rendered(text));
    if (!growing) finish(box.current);
  }, [text, growing]);
  return html`<div class="md" dir="auto" ref=${box}></div>`;
}

function Working({ since }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = since ? Math.max(0, Math.floor((now - Date.parse(since)) / 1000)) : 0;
  return html`<p class="working"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> ${T.working(seconds)}</p>`;
}

function Fold({ name, text }) {
  return html`
    <details class="fold">
      <summary>${name}</summary>
      <div class="plain-text" dir="auto">${text}</div>
    </details>
  `;
}

/** The calls of an answer: many are one line, but for the one that runs. */
function Tools({ tools, over }) {
  const one = (tool) => html`<${Tool} key=${tool.id} tool=${tool} over=${over} />`;
  if (tools.length <= FEW) return tools.map(one);
  const on = over ? [] : tools.slice(-1);
  const past = tools.slice(0, tools.length - on.length);
  const failed = past.filter((tool) => tool.state === "failed").length;
  return html`
    <details class="fold tools-of">
      <summary>${T.tools(past.length, failed)}</summary>
      <div class="many">${past.map(one)}</div>
    </details>
    ${on.map(one)}
  `;
}

/** A tool's call; what went in and came out is there only where the session shows it. */
function Tool({ tool, over }) {
  const progress = tool.state === "running" && over ? "done" : tool.state;
  const took = tool.endedAt && tool.startedAt ? (Date.parse(tool.endedAt) - Date.parse(tool.startedAt)) / 1000 : null;
  const time = took === null || progress === "running" ? "" : html` <span class="soft">${T.seconds(Math.max(0, took))}</span>`;
  const title = html`<span class=${`mark ${progress}`} aria-hidden="true"></span><b>${visible(tool.name)}</b> ${T.tool[progress]}${time}`;
  const input = tool.args && Object.keys(tool.args).length ? JSON.stringify(tool.args, null, 2) : "";
  if (!input && !tool.result) return html`<p class="tool">${title}</p>`;
  return html`
    <details class="fold tool">
      <summary>${title}</summary>
      ${input && html`<h3>${T.toolInput}</h3><pre tabindex="0">${input}</pre>`}
      ${tool.result && html`<h3>${T.toolOutput}</h3><pre tabindex="0" dir="auto">${tool.result}</pre>`}
    </details>
  `;
}

/** When, by which model, for how much. */
function Facts({ item, last }) {
  const took = item.startedAt && item.endedAt ? (Date.parse(item.endedAt) - Date.parse(item.startedAt)) / 1000 : 0;
  const facts = [
    item.model,
    item.usage && T.tokens(item.usage),
    item.usage?.cost ? T.cost(item.usage.cost) : "",
    took >= 0.1 ? T.seconds(took) : "",
  ].filter(Boolean);
  return html`
    <footer>
      ${item.at && html`<time dateTime=${item.at}>${when(item.at)}</time>`}
      ${facts.map((fact) => html`<span>${fact}</span>`)}
      <${AnswerActs} item=${item} last=${last} />
    </footer>
  `;
}
