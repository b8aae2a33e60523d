// Starts the page.
import { render } from "../vendor/preact.js";
import { App } from "./app.js";
import { start } from "./actions.js";
import { html } from "./html.js";

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
start();
