// What waits for a yes or no in this session, in line below the messages.
import { html } from "../ui/html.js";
import { Approval } from "../ui/approval.js";
import { decide } from "./actions.js";
import * as state from "./state.js";

export function Approvals() {
  return state.waiting.value.map((row) => html`<${Approval} key=${row.id} row=${row} decide=${decide} />`);
}
