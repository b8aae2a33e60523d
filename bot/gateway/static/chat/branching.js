// Other ways a conversation could go: edit a question, ask again, go on from here elsewhere.
import { rpc } from "../ui/rpc.js";
import { readSessions, told, visit, withdraw } from "./actions.js";
import { send, setFiles, write } from "./sending.js";
import * as state from "./state.js";
import * as storage from "./storage.js";

/** A session of its own that has everything up to a message. Returns its key, "" on a failure. */
export async function fork(upTo, label) {
  let made = "";
  await told(async () => {
    const params = { sessionKey: state.sessionKey.value, upTo, ...(label ? { label } : {}) };
    made = (await rpc("sessions.fork", params)).sessionKey;
    await readSessions();
    visit(made);
  });
  return made;
}

/**
 * Put a question back where it can be written. One that waits is withdrawn; one that was answered
 * stays, and the new one goes to a session that has what was before it.
 */
export async function edit(item) {
  const files = (item.attachments ?? []).filter((one) => one.id && !one.path);
  if (item.state === "queued") {
    const before = state.draft.value.trim();
    await withdraw(item.runId);
    write(before ? `${before}\n${item.text}` : item.text);
    setFiles(state.sessionKey.value, [...state.files.value, ...files]);
  } else {
    const key = await fork(String(Number(item.id) - 1));
    if (!key) return;
    storage.keepDraft(key, item.text);
    if (key === state.sessionKey.value) write(item.text);
  }
  document.getElementById("message")?.focus();
}

/** Ask once more what was asked last; with a model, that one answers here from now on. */
export function retry(ref) {
  send(ref ? `/retry ${ref}` : "/retry");
}
