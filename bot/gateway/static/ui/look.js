// The button that changes the look: the system's, light, dark, high contrast.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { keepTheme, theme } from "./memory.js";

const THEMES = ["system", "light", "dark", "contrast"];

export function ThemeButton() {
  const [chosen, setChosen] = useState(theme());
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
    keepTheme(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    setChosen(next);
  };
  return html`<button class="quiet look" onClick=${turn}>${T.theme[chosen]}</button>`;
}
