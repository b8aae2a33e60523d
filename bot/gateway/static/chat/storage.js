// What the browser remembers of the chat. Of this tab, over a reload: drafts with their files, and
// messages the server has not confirmed yet.
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

/** Take out, once, what earlier versions kept here instead of in the store: `{pinned, archived}`. */
export function takeMarks() {
  try {
    const { pinned = {}, archived = {} } = JSON.parse(localStorage.getItem(MARKS)) ?? {};
    localStorage.removeItem(MARKS);
    return { pinned, archived };
  } catch {
    return { pinned: {}, archived: {} };
  }
}
