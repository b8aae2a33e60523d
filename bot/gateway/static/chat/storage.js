// What this tab remembers over a reload: drafts, and messages the server has not confirmed yet.
// Neither is a credential; the sign-in lives in a cookie that scripts cannot read.

function read(name, fallback) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? fallback;
  } catch {
    return fallback;
  }
}

function write(name, value) {
  try {
    if (value === null || value === "") sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs the memory of a reload, never the message itself.
  }
}

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

/** True the first time it is asked about this server version in this tab. */
export function firstSightOf(version) {
  if (read("reloaded-for", null) === version) return false;
  write("reloaded-for", version);
  return true;
}

export function theme() {
  try {
    return localStorage.getItem("theme") ?? "system";
  } catch {
    return "system";
  }
}

export function keepTheme(value) {
  try {
    localStorage.setItem("theme", value);
  } catch {
    // It holds until the page is closed, then.
  }
}
