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
export const dialogOpen = signal(false);
export const drawerOpen = signal(false);

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
export const listed = computed(() => {
  const id = agentOf(sessionKey.value);
  const own = sessions.value.filter((one) => one.agentId === id);
  const missing = [sessionKey.value, mainKey(id)].filter(
    (key, at, keys) => key && keys.indexOf(key) === at && !own.some((one) => one.sessionKey === key),
  );
  return [...own, ...missing.map(unused)];
});

export const session = computed(() => listed.value.find((one) => one.sessionKey === sessionKey.value) ?? null);
export const sessionName = computed(() => (session.value ? shortName(session.value, agent.value) : T.main));
export const modelInUse = computed(() => session.value?.model ?? agent.value?.model.primary ?? "");
export const waiting = computed(() => approvals.value.filter((one) => one.sessionKey === sessionKey.value));
export const isDemo = computed(() => modelInUse.value.startsWith("demo/"));

function unused(key) {
  const slug = key.split(":chat:")[1];
  return { sessionKey: key, agentId: agentOf(key), label: slug ?? T.main, model: null, origin: null, running: false };
}
