// What people and the server do to the page's state.
import { batch } from "../vendor/signals.js";
import { connection, on, onOpen, rpc } from "../ui/rpc.js";
import * as state from "./state.js";
import * as storage from "./storage.js";
import { T } from "../strings/chat.js";
import { resend } from "./sending.js";
import * as transcript from "./transcript.js";

const PAGE = 200;
const SOON = 120;
const MESSAGE = /^[0-9]{1,18}$/;
const KEY = /^agent(:[a-z0-9._+@=%-]+){2,}$/;

export function start() {
  addEventListener("hashchange", openAddress);
  onOpen(signedIn);
  on("*", happened);
}

async function signedIn() {
  state.talk.value = transcript.doubted(state.talk.value);
  await told(async () => {
    await Promise.all([readAgents(), readSessions(), readApprovals()]);
    openAddress();
    await carryOver();
  });
  resend();
}

function happened(payload, name) {
  const here = payload.sessionKey === state.sessionKey.value;
  if (name === "chat" && here) takeChat(payload);
  if (name === "agent") takeAgent(payload, here);
  if (name === "approval.requested") state.approvals.value = [...othersThan(payload), payload];
  if (name === "approval.resolved") state.approvals.value = othersThan(payload);
  if (name === "agents.changed") soon(readAgents);
  if (name === "sessions.changed") {
    soon(readSessions);
    if (here && !payload.noted) soon(readHistory);
  }
}

const othersThan = (row) => state.approvals.value.filter((one) => one.id !== row.id);

async function readAgents() {
  state.agents.value = (await rpc("agents.list")).agents.filter((one) => one.enabled !== false);
  if (state.sessionKey.value) await readModels();
}

async function readApprovals() {
  state.approvals.value = (await rpc("approvals.list")).approvals.reverse();
}

/** Decide what waits. Who was faster elsewhere counts, and the question goes away all the same. */
export async function decide(id, decision) {
  await told(() => rpc("approvals.resolve", { id, decision }));
  await told(readApprovals);
}

function takeChat(payload) {
  state.talk.value = transcript.withChat(state.talk.value, payload);
  if (payload.state !== "delta") soon(readHistory);
}

function takeAgent(payload, here) {
  const phase = payload.stream === "lifecycle" ? payload.data.phase : "";
  if (phase) markBusy(payload.sessionKey, phase === "start");
  if (!here) return;
  if (phase === "start" && transcript.isForeign(state.talk.value, payload.runId)) soon(readHistory);
  state.talk.value = transcript.withAgent(state.talk.value, payload);
}

function markBusy(key, busy) {
  const keys = new Set(state.busyElsewhere.value);
  if (busy) keys.add(key);
  else keys.delete(key);
  state.busyElsewhere.value = keys;
}

/** Show what the address names: a session, or a message in it as `<session>/<message>`. */
function openAddress() {
  const [wanted, message = ""] = location.hash.slice(1).split("/");
  state.wanted.value = MESSAGE.test(message) ? message : "";
  openSession(wanted);
}

/** Show a session; anything that is no key means the default agent's first one. */
export function openSession(wanted) {
  const fallback = state.agents.value.find((one) => one.default) ?? state.agents.value[0];
  const key = KEY.test(wanted) ? wanted : state.mainKey(fallback?.id ?? "main");
  const another = key !== state.sessionKey.value;
  if (location.hash.slice(1).split("/")[0] !== key) history.replaceState(null, "", `#${key}`);
  batch(() => {
    state.sessionKey.value = key;
    state.drawerOpen.value = false;
    if (another) {
      const waiting = storage.outbox().filter((message) => message.sessionKey === key);
      state.talk.value = waiting.reduce(transcript.withSent, transcript.empty());
      state.draft.value = storage.draft(key);
      state.files.value = storage.files(key);
      state.made.value = null;
    }
  });
  readHistory();
  soon(see);
  if (another || state.models.value.length === 0) readModels();
}

/** Go to a session in a way that the browser's back button undoes. */
export function visit(key) {
  if (key === state.sessionKey.value) state.drawerOpen.value = false;
  else location.hash = key;
}

/** Step through the list: 1 is the next session, -1 the one before. */
export function step(by) {
  const keys = state.listed.value.map((one) => one.sessionKey);
  const at = keys.indexOf(state.sessionKey.value);
  visit(keys[(at + by + keys.length) % keys.length]);
}

export async function readSessions() {
  const { sessions } = await rpc("sessions.list");
  batch(() => {
    state.sessions.value = sessions;
    state.busyElsewhere.value = new Set(sessions.filter((one) => one.running).map((one) => one.sessionKey));
  });
  soon(see);
}

/** Note that the session in view was looked at. */
async function see() {
  const { sessionKey, sessionId, updatedAt, readAt } = state.session.value ?? {};
  if (sessionId && updatedAt > (readAt ?? "")) await rpc("sessions.patch", { sessionKey, exact: true, readAt: updatedAt });
}

/** Pins of this browser from before the store had them; until when it had read is forgotten. */
async function carryOver() {
  const { pinned, archived } = storage.takeMarks();
  for (const { sessionKey } of state.sessions.value) {
    const old = { pinned: pinned[sessionKey] || undefined, archived: archived[sessionKey] || undefined };
    if (old.pinned || old.archived) await rpc("sessions.patch", { sessionKey, exact: true, ...old });
  }
}

/** Another name, and whether it is pinned or put away. Returns whether that worked. */
export function keepRow(session, { label, pinned, archived }) {
  const key = session.sessionKey;
  return told(async () => {
    const name = label && label !== session.label ? { label } : {};
    await rpc("sessions.patch", { sessionKey: key, exact: true, pinned, archived, ...name });
    await readSessions();
  });
}

async function readModels() {
  const agentId = state.agentOf(state.sessionKey.value);
  await told(async () => {
    state.models.value = (await rpc("models.list", { agentId })).models;
  });
}

export async function readHistory() {
  const key = state.sessionKey.value;
  await told(async () => {
    const page = await rpc("chat.history", { sessionKey: key, exact: true, limit: PAGE });
    if (key === state.sessionKey.value) state.talk.value = transcript.withHistory(state.talk.value, page);
  });
}

export async function readEarlier(limit = PAGE) {
  const key = state.sessionKey.value;
  const before = state.talk.value.rows[0]?.id;
  await told(async () => {
    const page = await rpc("chat.history", { sessionKey: key, exact: true, limit, before });
    const unmoved = key === state.sessionKey.value && state.talk.value.rows[0]?.id === before;
    if (unmoved) state.talk.value = transcript.withEarlier(state.talk.value, page);
  });
}

/** Stop what runs here; what waits behind it goes on and can be withdrawn by itself. */
export function stop() {
  const run = state.running.value;
  if (run) abort(run.runId);
}

export async function withdraw(runId) {
  await abort(runId);
  soon(readHistory);
}

function abort(runId) {
  const params = { sessionKey: state.sessionKey.value, exact: true, runId };
  return told(() => rpc("chat.abort", params));
}

/** Make a session of the agent in view and show it. Returns whether that worked. */
export function createSession(label) {
  return told(async () => {
    const params = { agentId: state.agentOf(state.sessionKey.value), ...(label ? { label } : {}) };
    const { sessionKey } = await rpc("sessions.create", params);
    await readSessions();
    visit(sessionKey);
  });
}

/** Use a model in this session alone; null goes back to the agent's. */
export async function chooseModel(ref) {
  const params = { sessionKey: state.sessionKey.value, exact: true, model: ref };
  await told(() => rpc("sessions.patch", params));
  await told(readSessions);
}

/** Do it, and say what went wrong. A lost connection says so by itself. */
export async function told(action) {
  try {
    await action();
    return true;
  } catch (error) {
    if (connection.value === "open") state.notice.value = T.wrong(error.message);
    return false;
  }
}

const planned = new Map();

/** Do it in a moment, once for many askings. */
export function soon(action) {
  if (planned.has(action)) return;
  const run = () => {
    planned.delete(action);
    told(action);
  };
  planned.set(action, setTimeout(run, SOON));
}
