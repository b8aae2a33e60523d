// What this tab remembers of the chat over a reload: drafts, and messages the server has not
// confirmed yet.
import { read, write } from "../ui/memory.js";

export const draft = (sessionKey) => read(`draft:${sessionKey}`, "");
export const keepDraft = (sessionKey, text) => write(`draft:${sessionKey}`, text);

/** Messages on their way: `[{runId, sessionKey, text, at}]`, oldest first. */
export const outbox = () => read("outbox", []);

export function intoOutbox(message) {
  write("outbox", [...outbox(), message]);
}

export function outOfOutbox(runId) {
  write("outbox", outbox().filter((message) => message.runId !== runId));
}
