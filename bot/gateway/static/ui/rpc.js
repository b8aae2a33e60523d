// The page's one line to the gateway: requests, events, and what to say when one fails.
// `rpc("sessions.list", {limit: 5})` answers the payload or throws RequestFailed.
import { signal } from "../vendor/signals.js";
import { T } from "../strings/common.js";
import { firstSightOf } from "./memory.js";
import { Socket } from "./socket.js";

const openers = new Set();
const listeners = new Set();
const socket = new Socket({ open: opened, event: happened });

/** connecting, open, waiting or signed-out. */
export const connection = socket.status;

/** How often this page has signed in: whoever shows something reads it anew when this grows. */
export const greetings = signal(0);

export const rpc = (method, params = {}) => socket.request(method, params);

/** Connect under a page's name. Once, after everybody has said what they listen to. */
export function connect(page) {
  socket.open(page);
}

/** Call `take(hello)` after every sign-in. */
export function onOpen(take) {
  openers.add(take);
}

/** Call `take(payload, name)` for these events, "*" for all; returns what ends it. */
export function on(names, take) {
  const one = { names: [names].flat(), take };
  listeners.add(one);
  return () => listeners.delete(one);
}

/** What to tell people of a failed request, in one sentence. */
export function sentence(error) {
  if (error.message) return error.message;
  return error.code === "UNAVAILABLE" ? T.noConnection : T.wrong;
}

function opened(hello) {
  if (isOld(hello.server.version)) return;
  for (const take of openers) take(hello);
  greetings.value += 1;
}

/** After an upgrade an open page loads itself anew, once; drafts and messages on their way stay. */
function isOld(version) {
  if (version === document.documentElement.dataset.version || !firstSightOf(version)) return false;
  location.reload();
  return true;
}

function happened(name, payload) {
  for (const { names, take } of listeners) {
    if (names.includes(name) || names.includes("*")) take(payload, name);
  }
}
