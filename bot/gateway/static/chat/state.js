// What the page shows, as signals: components read them, `actions` changes them.
import { computed, signal } from "../vendor/signals.js";
import { T } from "../strings/chat.js";
import { activeRun, empty, items } from "./transcript.js";
import { shortName } from "../ui/names.js";

export const agents = signal([]);
export const models = signal([]);
export const sessions = signal([]);
export const sessionKey = signal("");
export const talk = signal(empty());
export const busyElsewhere = signal(new Set());
export const notice = signal("");
export const approvals = signal([]);
export const drawerOpen = signal(false);
/** What lies on top: `{name: "new" | "schedule" | "palette" | "keys" | "row" | "retry", ...}`. */
export const dialog = signal(null);
/** What is being written here, and its files `[{id, name, mime, size, progress?}]`. */
export const draft = signal("");
export const files = signal([]);
/** The message that the address points at, until it is shown. */
export const wanted = signal("");
/** The task that was just made. */
export const made = signal(null);
export const sought = signal("");
export const archivedShown = signal(false);

export const shown = computed(() => items(talk.value));
export const running = computed(() => activeRun(talk.value));

/** `agent:<id>:...`: the agent a session belongs to. */
export function agentOf(key) {
  const part = key.split(":")[1] ?? "";
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const agent = computed(() => {
  const id = agentOf(sessionKey.value);
  return agents.value.find((one) => one.id === id) ?? null;
});

export const mainKey = (id) => `agent:${encodeURIComponent(id.toLowerCase())}:main`;

/** The agent's sessions, newest first; the first and the open one are there before first use. */
const own = computed(() => {
  const id = agentOf(sessionKey.value);
  const rows = sessions.value.filter((one) => one.agentId === id);
  const missing = [sessionKey.value, mainKey(id)].filter(
    (key, at, keys) => key && keys.indexOf(key) === at && !rows.some((one) => one.sessionKey === key),
  );
  return [...rows, ...missing.map(unused)];
});

/** The sessions that the list shows: what is sought, pinned ones first. */
export const listed = computed(() => {
  const word = sought.value.trim().toLowerCase();
  const fits = (one) => !word || shortName(one, agent.value).toLowerCase().includes(word);
  const kept = (one) => archivedShown.value || !one.archived || one.sessionKey === sessionKey.value;
  const rows = own.value.filter((one) => fits(one) && (word || kept(one)));
  const first = (one) => (one.pinned ? 0 : 1);
  return rows.toSorted((a, b) => first(a) - first(b));
});
export const archivedCount = computed(() => own.value.filter((one) => one.archived).length);

/** Has something happened in a session since it was last looked at, in any browser? */
export function isUnread(session) {
  if (session.sessionKey === sessionKey.value || !session.updatedAt) return false;
  return session.updatedAt > (session.readAt ?? session.createdAt);
}

export const session = computed(() => own.value.find((one) => one.sessionKey === sessionKey.value) ?? null);
export const sessionName = computed(() => (session.value ? shortName(session.value, agent.value) : T.main));
export const modelInUse = computed(() => session.value?.model ?? agent.value?.model.primary ?? "");
export const waiting = computed(() => approvals.value.filter((one) => one.sessionKey === sessionKey.value));
/** May this be the demo tour's session? The gateway knows. */
export const isTour = computed(() => /:chat:demo-tour(-[0-9]+)?$/.test(sessionKey.value));
export const isDemo = computed(() => modelInUse.value.startsWith("demo/"));

function unused(key) {
  const slug = key.split(":chat:")[1];
  return { sessionKey: key, agentId: agentOf(key), label: slug ?? T.main, model: null, origin: null, running: false };
}
