// What every page has around it, brought to life: the count of approvals, the look, the connection,
// what happened last, and questions that want a yes. A page's main.js says `mount(App)`.
import { render } from "../vendor/preact.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { Broken, watchFile } from "./broken.js";
import { Confirming } from "./dialog.js";
import { ThemeButton } from "./look.js";
import { connect, on, onOpen, rpc } from "./rpc.js";
import { Live } from "./toast.js";

/** Show a page in the shell and connect it. */
export function mount(App) {
  const page = document.documentElement.dataset.page;
  const place = document.getElementById("app");
  place.replaceChildren();
  render(html`<${App} />`, place);
  render(html`<${ThemeButton} />`, document.getElementById("look"));
  render(html`<${Live} />`, document.getElementById("live"));
  render(html`<${Broken} />`, document.getElementById("file"));
  render(html`<${Confirming} />`, document.getElementById("asks"));
  document.querySelector(".skip").addEventListener("click", skip);
  const here = document.querySelector(".rail [aria-current]");
  const inSight = () => here.scrollIntoView({ block: "nearest", inline: "nearest" });
  inSight();
  addEventListener("resize", inSight);
  onOpen(count);
  watchFile();
  on(["approval.requested", "approval.resolved"], count);
  connect(page);
}

/** Name what is shown: in the heading that the shell has, and in the browser's tab. */
export function retitle(name) {
  const heading = document.querySelector("h1");
  if (heading.textContent !== name) heading.textContent = name;
  document.title = T.title(name);
}

// The address keeps what the page has in it: on the chat page it names the session.
function skip(event) {
  event.preventDefault();
  document.querySelector("main").focus();
}

/** How many approvals wait; without an answer the last number stays. */
async function count() {
  const place = document.getElementById("waiting");
  try {
    const { approvals } = await rpc("approvals.list");
    place.hidden = approvals.length === 0;
    place.textContent = String(approvals.length);
    place.title = T.waiting(approvals.length);
  } catch {
    // The next reconnect asks again.
  }
}
