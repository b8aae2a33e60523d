// The log of messages: bubbles, answers as they grow, and the way back to the newest one.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Approvals } from "./approvals.js";
import { rendered } from "../ui/markdown.js";
import { when } from "../ui/format.js";
import { channelOf, visible } from "../ui/names.js";
import { connection } from "../ui/rpc.js";
import { readEarlier, send, sendAgain, withdraw } from "./actions.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

const NEAR = 80;

export function Messages() {
  const scroller = useRef(null);
  const [away, setAway] = useState(false);
  const follow = useFollowing(scroller, setAway);
  const shown = state.shown.value;
  const { loaded, hasMore } = state.talk.value;
  return html`
    <div class="scroller" data-loaded=${String(loaded)} ref=${scroller} onScroll=${follow.look} tabindex="-1">
      <div class="column">
        ${hasMore && html`<button class="quiet earlier" onClick=${readEarlier}>${T.earlier}</button>`}
        <div role="log" aria-label=${T.messages} class="log">
          ${shown.map((item) => html`<${Item} key=${keyOf(item)} item=${item} />`)}
        </div>
        <${Approvals} />
        ${loaded && shown.length === 0 && html`<${Empty} />`}
      </div>
    </div>
    ${away && html`<button class="latest" onClick=${follow.catchUp}>${T.latest}</button>`}
  `;
}

/** A finished answer is a new element, so that it is read out once and whole, not as it grows. */
function keyOf(item) {
  return item.kind === "answer" && item.state === "running" ? `${item.key}:growing` : item.key;
}

/** Stay at the newest message, unless the reader has scrolled up and away from it. */
function useFollowing(scroller, setAway) {
  const following = useRef(true);
  const top = useRef(0);
  const toEnd = () => {
    const box = scroller.current;
    if (box && following.current) box.scrollTop = box.scrollHeight;
  };
  useEffect(() => {
    const watcher = new ResizeObserver(toEnd);
    watcher.observe(scroller.current);
    watcher.observe(scroller.current.firstElementChild);
    return () => watcher.disconnect();
  }, []);
  const catchUp = () => {
    following.current = true;
    setAway(false);
    toEnd();
  };
  const sent = state.talk.value.sent.at(-1)?.runId;
  useLayoutEffect(catchUp, [state.sessionKey.value]);
  useLayoutEffect(() => void (sent && catchUp()), [sent]);
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    const near = scrollHeight - scrollTop - clientHeight < NEAR;
    // What grows below moves the end away, not the reader: only going up is leaving.
    if (near || scrollTop < top.current) following.current = near;
    top.current = scrollTop;
    setAway(!following.current);
  };
  return { look, catchUp };
}

function Item({ item }) {
  if (item.kind === "user") return html`<${Question} item=${item} />`;
  if (item.kind === "note") return html`<div class="note" dir="auto">${item.text}</div>`;
  return html`<${Answer} item=${item} />`;
}

function Question({ item }) {
  const offline = item.state === "sending" && connection.value !== "open";
  const label = T.states[offline ? "offline" : item.state];
  const channel = channelOf(item.origin);
  const name = channel && (item.author?.name || item.author?.username || channel);
  return html`
    <article class=${`question ${item.state ?? ""}`}>
      <h2 class="unseen">${name ? visible(name) : T.you}</h2>
      <div class="bubble"><div dir="auto">${item.text}</div></div>
      <footer>
        ${name && html`<span><bdi>${visible(name)}</bdi></span>`}
        ${label && html`<span>${label}${item.reason ? `: ${item.reason}` : ""}</span>`}
        ${item.state === "queued" &&
        html`<button class="quiet" onClick=${() => withdraw(item.runId)}>${T.withdraw}</button>`}
        ${item.state === "failed" &&
        html`<button class="quiet" onClick=${() => sendAgain(item)}>${T.tryAgain}</button>`}
        <time dateTime=${item.at}>${when(item.at)}</time>
      </footer>
    </article>
  `;
}

function Answer({ item }) {
  const growing = item.state === "running";
  const waiting = growing && !item.text;
  return html`
    <article
      class=${`answer ${item.state}`}
      aria-live=${growing ? "off" : undefined}
      aria-busy=${growing ? "true" : undefined}
    >
      <h2 class="unseen">${state.agent.value?.name ?? T.agent}</h2>
      ${item.thinking && html`<${Fold} name=${T.thinking} text=${item.thinking} />`}
      ${item.tools.map((tool) => html`<${Tool} key=${tool.id} tool=${tool} over=${!growing} />`)}
      ${item.text && html`<${Markdown} text=${item.text} />`}
      ${waiting && html`<${Working} since=${item.startedAt} />`}
      ${item.state === "aborted" && html`<p class="aside">${T.stopped}</p>`}
      ${item.state === "error" && !item.text && html`<p class="aside">${T.broke}</p>`}
      ${!growing && html`<${Facts} item=${item} />`}
    </article>
  `;
}

function Markdown({ text }) {
  const box = useRef(null);
  useLayoutEffect(() => box.current.replaceChildren(rendered(text)), [text]);
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

/** A tool's call; what went in and came out is there only where the session shows it. */
function Tool({ tool, over }) {
  const progress = tool.state === "running" && over ? "done" : tool.state;
  const title = html`<span class=${`mark ${progress}`} aria-hidden="true"></span><b>${visible(tool.name)}</b> ${T.tool[progress]}`;
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
function Facts({ item }) {
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
    </footer>
  `;
}

function Empty() {
  const demo = state.isDemo.value;
  return html`
    <section class="empty">
      <p class="big">${T.emptyTitle}</p>
      <p>${demo ? T.emptyDemo : T.emptyText}</p>
      ${demo && html`<${Chips} />`}
    </section>
  `;
}

/** What the demo model can be asked to show. */
export function Chips() {
  return html`
    <ul class="chips" aria-label=${T.demoLabel}>
      ${T.demo.map(([name, text]) => html`<li><button class="chip" onClick=${() => send(text)}>${name}</button></li>`)}
    </ul>
  `;
}
