// Messages on their way out: shown at once, kept until the server has them, sent under one key.
import { connection, rpc } from "../ui/rpc.js";
import { readHistory, soon } from "./actions.js";
import * as state from "./state.js";
import * as storage from "./storage.js";
import * as transcript from "./transcript.js";

const BUSY = 2_000;

/** Send what is still here after a reload or a lost connection. */
export function resend() {
  for (const message of storage.outbox()) post(message);
}

/** Keep what is written with its session. */
export function write(text) {
  state.draft.value = text;
  storage.keepDraft(state.sessionKey.value, text);
}

export function setFiles(key, list) {
  storage.keepFiles(key, list.filter((one) => one.id));
  if (key === state.sessionKey.value) state.files.value = list;
}

/** Say something. It is shown at once, kept until the server has it, and sent under one key. */
export function send(text, attachments = []) {
  if (!text.trim() && !attachments.length) return;
  const at = new Date().toISOString();
  const message = { runId: uuid(), sessionKey: state.sessionKey.value, text, at, attachments };
  storage.intoOutbox(message);
  state.talk.value = transcript.withSent(state.talk.value, message);
  post(message);
}

/** Send a message that was refused, once more and under the same key. */
export function sendAgain(message) {
  storage.intoOutbox(message);
  state.talk.value = transcript.withSentState(state.talk.value, message.runId, { state: "sending", reason: "" });
  post(message);
}

async function post(message) {
  const { runId, sessionKey, text, attachments = [] } = message;
  try {
    const files = attachments.length ? { attachments: attachments.map(({ id }) => ({ id })) } : {};
    const params = { sessionKey, exact: true, message: text, idempotencyKey: runId, ...files };
    const { status } = await rpc("chat.send", params);
    storage.outOfOutbox(runId);
    const sent = status === "queued" ? "queued" : "started";
    state.talk.value = transcript.withSentState(state.talk.value, runId, { state: sent });
    if (status === "ok" || status === "in_flight") soon(readHistory);
  } catch (error) {
    if (error.retryable && connection.value === "open") setTimeout(() => post(message), BUSY);
    if (error.retryable) return; // without a connection, the next one takes it along
    storage.outOfOutbox(runId);
    state.talk.value = transcript.withSentState(state.talk.value, runId, { state: "failed", reason: error.message });
  }
}

/** A random id. `crypto.randomUUID` is missing where the page is served without TLS. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return [0, 8, 12, 16, 20].map((from, at, all) => hex.slice(from, all[at + 1])).join("-");
}
