// The log of messages: which of them are shown, and the ways back and to the newest one.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Approvals } from "./approvals.js";
import { readEarlier } from "./actions.js";
import { Empty } from "./empty.js";
import { Item } from "./message.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";
import { useStretch } from "./window.js";

const NEAR = 80;
const EDGE = 400;
const MANY = 1000;

export function Messages() {
  const scroller = useRef(null);
  const [away, setAway] = useState(false);
  const shown = state.shown.value;
  const stretch = useStretch(shown, scroller);
  const follow = useFollowing(scroller, setAway, stretch);
  const { loaded, hasMore } = state.talk.value;
  useDeepLink(scroller, follow, stretch);
  const last = shown.findLast((item) => item.kind === "answer");
  return html`
    <div class="scroller" data-loaded=${String(loaded)} ref=${scroller} onScroll=${follow.look} tabindex="-1">
      <div class="column">
        ${(stretch.before || hasMore) && html`<button class="quiet earlier" onClick=${stretch.earlier}>${T.earlier}</button>`}
        <div role="log" aria-label=${T.messages} class="log">
          ${stretch.items.map((item) => html`<${Item} key=${keyOf(item)} item=${item} last=${item === last} />`)}
        </div>
        ${stretch.after && html`<button class="quiet earlier" onClick=${stretch.later}>${T.later}</button>`}
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
function useFollowing(scroller, setAway, stretch) {
  const following = useRef(true);
  const top = useRef(0);
  const height = useRef(0);
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
  const leave = () => {
    following.current = false;
    setAway(true);
  };
  const catchUp = () => {
    following.current = true;
    stretch.newest();
    setAway(false);
    toEnd();
  };
  const sent = state.talk.value.sent.at(-1)?.runId;
  useLayoutEffect(catchUp, [state.sessionKey.value]);
  useLayoutEffect(() => void (sent && catchUp()), [sent]);
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    const below = scrollHeight - scrollTop - clientHeight;
    const near = below < NEAR && !stretch.after;
    // A list that became shorter moves the reader up, who has not moved.
    const up = scrollTop < top.current && scrollHeight >= height.current;
    const down = scrollTop > top.current;
    top.current = scrollTop;
    height.current = scrollHeight;
    // What grows below moves the end away, not the reader: only going up is leaving.
    if (near || up) following.current = near;
    setAway(!following.current);
    if (!following.current) stretch.hold();
    if (up && !near && scrollTop < EDGE && (stretch.before || state.talk.value.hasMore)) stretch.earlier();
    if (down && below < EDGE) stretch.later();
  };
  return { look, catchUp, leave };
}

/** Bring the message that the address names onto the screen, from however long ago. */
function useDeepLink(scroller, follow, stretch) {
  const wanted = state.wanted.value;
  const { loaded, hasMore, rows } = state.talk.value;
  useLayoutEffect(() => {
    if (!wanted || !loaded) return;
    const first = Number(rows.find((row) => row.state !== "queued")?.id ?? 0);
    if (hasMore && Number(wanted) < first) return void readEarlier(MANY);
    const item = state.shown.value.find((one) => holds(one, wanted));
    if (!item) return void (state.wanted.value = "");
    const element = scroller.current.querySelector(`[data-id="${item.id}"]`);
    if (!element) return void (follow.leave(), stretch.around(item.key));
    follow.leave();
    element.scrollIntoView({ block: "center" });
    element.classList.add("pointed");
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    state.wanted.value = "";
  });
}

/** An answer stands for all of its rows. */
const holds = (item, id) => item.id === id || (item.ids ?? []).includes(id);
