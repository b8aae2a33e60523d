// /settings: the configuration file, as a form made from its schema or as the text it is.
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { mount } from "../ui/shell.js";
import { Tabs } from "../ui/tabs.js";
import { T } from "../strings/settings.js";
import { Editor } from "./editor.js";
import { Form } from "./form.js";
import { Processes } from "./processes.js";

const VIEWS = [
  { id: "form", name: T.form },
  { id: "text", name: T.text },
];

mount(App);

function App() {
  const view = param("view") === "text" ? "text" : "form";
  return html`
    <p class="hint">${T.restart}</p>
    <${Tabs} name=${T.views} tabs=${VIEWS} current=${view} choose=${(one) => setParam("view", one === "form" ? "" : one)}>
      ${view === "text" ? html`<${Editor} />` : html`<${Form} />`}
    <//>
    <${Processes} />
  `;
}
