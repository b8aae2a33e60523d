// /settings: the configuration file as it is, and what is wrong with it.
import { html } from "../ui/html.js";
import { CopyButton } from "../ui/copy.js";
import { useLive } from "../ui/live.js";
import { Facts, Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Failed, Table } from "../ui/table.js";
import { T } from "../strings/settings.js";

const COLUMNS = [
  { key: "line", name: T.where, cell: (row) => row.line, sort: (row) => row.line },
  { key: "key", name: T.key, cell: (row) => row.key },
  { key: "what", name: T.what, cell: (row) => `${row.what}; ${row.fix}` },
];

mount(App);

function App() {
  const check = useLive(() => rpc("config.check"));
  const values = useLive(() => rpc("config.get"));
  const { file, ok, problems = [], warnings = [] } = check.data ?? {};
  const rows = [...problems, ...warnings];
  return html`
    ${check.data &&
    html`<${Facts} rows=${[
      [T.file, file],
      [T.state, html`<${Tag} look=${ok ? "good" : "bad"}>${ok ? T.good : T.problems}<//>`],
    ]} />`}
    <h2>${T.list}</h2>
    <${Table} name=${T.list} columns=${COLUMNS} rows=${rows} id=${(row) => `${row.line}:${row.key}`} live=${check}
      empty=${{ title: T.none, text: T.noneText }} />
    <h2>${T.values}</h2>
    ${values.error && html`<${Failed} error=${values.error} again=${values.reload} />`}
    ${values.data && html`<${Values} config=${values.data.config} />`}
  `;
}

function Values({ config }) {
  const text = JSON.stringify(config, null, 2);
  return html`
    <div class="actions"><${CopyButton} text=${text} /></div>
    <pre class="sunk" tabindex="0" role="region" aria-label=${T.values}>${text}</pre>
  `;
}
