// What the browser remembers of the chat. Of this tab, over a reload: drafts with their files, and
// messages the server has not confirmed yet. Of all tabs: which sessions are pinned, put away, seen.
import { read, write } from "../ui/memory.js";

export const draft = (sessionKey) => read(`draft:${sessionKey}`, "");
export const keepDraft = (sessionKey, text) => write(`draft:${sessionKey}`, text);
export const files = (sessionKey) => read(`files:${sessionKey}`, []);
export const keepFiles = (sessionKey, list) => write(`files:${sessionKey}`, list.length ? list : null);

/** Messages on their way: `[{runId, sessionKey, text, at, attachments}]`, oldest first. */
export const outbox = () => read("outbox", []);

export function intoOutbox(message) {
  write("outbox", [...outbox(), message]);
}

export function outOfOutbox(runId) {
  write("outbox", outbox().filter((message) => message.runId !== runId));
}

const MARKS = "chat-marks";

/** `{pinned: {key: true}, archived: {key: true}, seen: {key: time}, since: time}`. */
export function marks() {
  const none = { pinned: {}, archived: {}, seen: {}, since: null };
  try {
    return { ...none, ...JSON.parse(localStorage.getItem(MARKS)) };
  } catch {
    return none;
  }
}

export function keepMarks(value) {
  try {
    localStorage.setItem(MARKS, JSON.stringify(value));
  } catch {
    // They hold until the page is closed, then.
  }
}

/** Call `take` when another tab has changed the marks. */
export function onMarks(take) {
  addEventListener("storage", (event) => event.key === MARKS && take());
}
