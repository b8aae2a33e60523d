// Long conversations: of all messages only a stretch is in the page, and it moves with the reader.
import { useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { readEarlier } from "./actions.js";
import * as state from "./state.js";

const SPAN = 80; // messages in the page
const STEP = 40; // how far the stretch moves at once

/**
 * Which of `items` to show. `earlier` and `later` move the stretch and keep what is read in its
 * place on the screen; `newest` goes to the end, `hold` stays where it is while others come.
 */
export function useStretch(items, scroller) {
  const [first, setFirst] = useState(null); // the key of the first item; null: the newest ones
  const kept = useRef(null);
  const busy = useRef(false);
  const found = first === null ? -1 : items.findIndex((item) => item.key === first);
  const start = found < 0 ? Math.max(0, items.length - SPAN) : found;
  const end = found < 0 ? items.length : Math.min(items.length, start + SPAN);
  useLayoutEffect(() => {
    const [element, top] = kept.current ?? [];
    kept.current = null;
    if (element?.isConnected) scroller.current.scrollTop += element.getBoundingClientRect().top - top;
  });
  const move = (to) => {
    kept.current = placeOf(scroller.current);
    setFirst(to + SPAN >= state.shown.value.length ? null : state.shown.value[to].key);
  };
  const earlier = async () => {
    if (busy.current) return;
    busy.current = true;
    const at = items[start]?.key;
    if (start === 0) {
      kept.current = placeOf(scroller.current);
      if (first === null && items.length + STEP > SPAN) setFirst(at ?? null);
      await readEarlier();
    }
    const now = state.shown.value.findIndex((item) => item.key === at);
    if (now > 0) move(Math.max(0, now - STEP));
    busy.current = false;
  };
  return {
    items: items.slice(start, end),
    before: start > 0,
    after: end < items.length,
    earlier,
    later: () => end < items.length && !busy.current && move(Math.min(start + STEP, items.length - SPAN)),
    newest: () => setFirst(null),
    hold: () => first === null && items.length > SPAN && setFirst(items[start].key),
    around: (key) => move(Math.max(0, state.shown.value.findIndex((item) => item.key === key) - STEP)),
  };
}

/** A message on the screen, and where: what the reader's eye rests on. */
function placeOf(box) {
  const top = box.getBoundingClientRect().top;
  const seen = [...box.querySelectorAll("[data-id]")].find((one) => one.getBoundingClientRect().bottom > top);
  return seen ? [seen, seen.getBoundingClientRect().top] : null;
}
