// Data that stays true by itself: read when the page has signed in, again after every reconnect,
// and again soon after one of the events that may have changed it.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { connection, greetings, on } from "./rpc.js";

const SOON = 150;
const UNREAD = { data: null, error: null, loading: true };

/** `{data, error, loading, reload}` of `load()`.
 *
 * `events` are names of events that call for another reading, and `wanted(payload)` may narrow
 * them. `keys` are what `load` depends on: when one changes, what was read is dropped. What is on
 * the page stays there while the connection is away.
 */
export function useLive(load, { events = [], wanted = () => true, keys = [] } = {}) {
  const [state, setState] = useState(UNREAD);
  const turn = useRef(0);
  const reader = useRef(load);
  reader.current = load;
  const reload = async () => {
    const mine = ++turn.current;
    const set = (change) => mine === turn.current && setState((old) => ({ ...old, loading: false, ...change }));
    try {
      set({ data: await reader.current(), error: null });
    } catch (error) {
      if (connection.value === "open") set({ error });
    }
  };
  const times = greetings.value;
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) setState(UNREAD);
    first.current = false;
  }, keys);
  useEffect(() => void (times && reload()), [times, ...keys]);
  useEffect(() => {
    let timer = 0;
    const soon = (payload) => {
      if (!wanted(payload) || timer) return;
      timer = setTimeout(() => ((timer = 0), reload()), SOON);
    };
    const off = on(events, soon);
    return () => (off(), clearTimeout(timer));
  }, keys);
  return { ...state, reload };
}
