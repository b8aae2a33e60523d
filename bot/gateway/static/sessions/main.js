// /sessions: every conversation of every agent, and one of them as it went.
import { html } from "../ui/html.js";
import { parts } from "../ui/address.js";
import { mount } from "../ui/shell.js";
import { List } from "./list.js";
import { Session } from "./session.js";

mount(App);

function App() {
  const [, id] = parts();
  return id === undefined ? html`<${List} />` : html`<${Session} key=${id} id=${id} />`;
}
