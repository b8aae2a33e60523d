// Starts the page.
import { mount } from "../ui/shell.js";
import { App } from "./app.js";
import { start } from "./actions.js";

start();
mount(App);
