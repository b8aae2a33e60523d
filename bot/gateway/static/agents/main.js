// /agents: every agent, and one agent with its tabs. Old addresses of provider pages lead to the
// models of the default agent.
import { useEffect } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { parts } from "../ui/address.js";
import { useLive } from "../ui/live.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Failed } from "../ui/table.js";
import { T as common } from "../strings/common.js";
import { Agent } from "./agent.js";
import { List } from "./list.js";
import { place, replace } from "./parts.js";

mount(App);

function App() {
  const [page, id, tab] = parts();
  if (page === "providers") return html`<${Moved} provider=${id ?? ""} />`;
  return id === undefined ? html`<${List} />` : html`<${Agent} key=${id} id=${id} tab=${tab ?? "models"} />`;
}

function Moved({ provider }) {
  const live = useLive(() => rpc("agents.list"));
  const agent = live.data?.agents.find((row) => row.default);
  useEffect(() => void (agent && replace(place(agent.id, "models", provider && { provider }))), [agent?.id]);
  if (live.error) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  return html`<p class="soft state loading">${common.loading}</p>`;
}
