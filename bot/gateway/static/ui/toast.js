// What happened, said once and politely, in the page's one live region.
import { signal } from "../vendor/signals.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { connection, sentence } from "./rpc.js";

const STAYS = 6_000;
const said = signal("");
let timer = 0;

/** Say something, by sight and by ear; the next saying takes its place. */
export function announce(text) {
  clearTimeout(timer);
  said.value = text;
  timer = setTimeout(() => (said.value = ""), STAYS);
}

/** Do it, and say how it went: `done` when it worked, else the error. Returns whether it did. */
export async function told(action, done = "") {
  try {
    await action();
  } catch (error) {
    announce(sentence(error));
    return false;
  }
  if (done) announce(done);
  return true;
}

/** How the connection is, when it is not simply there, and what happened last. */
export function Live() {
  const status = connection.value;
  return html`
    ${T.connection[status] &&
    html`<p class=${`pill ${status}`}>
      ${T.connection[status]} ${status === "signed-out" && html`<a href="/login">${T.signIn}</a>`}
    </p>`}
    ${said.value && html`<p class="pill">${said.value}</p>`}
  `;
}
