// The palette: every session and every thing that the page can do, by a few letters.
import { useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { visible } from "../ui/names.js";
import { chooseModel, stop, visit } from "./actions.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

const MOST = 12;

export function Palette() {
  const box = useRef(null);
  const [word, setWord] = useState("");
  const [at, setAt] = useState(0);
  const found = choices().filter(([name]) => fits(name, word)).slice(0, MOST);
  // The browser tells of the end later, when what was chosen may have opened a dialog of its own.
  const close = () => state.dialog.value?.name === "palette" && (state.dialog.value = null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = box.current;
    dialog.showModal();
    return () => (dialog.close(), before?.focus());
  }, []);
  const choose = (choice) => {
    close();
    choice?.[1]();
  };
  const press = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt((at + by + found.length) % (found.length || 1));
    else if (event.key === "Enter") choose(found[at]);
    else return;
    event.preventDefault();
  };
  return html`
    <dialog ref=${box} class="palette" aria-label=${T.palette} onClose=${close}>
      <input role="combobox" aria-label=${T.paletteHint} aria-expanded="true" aria-controls="choices" autocomplete="off" dir="auto"
        aria-activedescendant=${found.length ? `choice-${at}` : undefined} placeholder=${T.paletteHint} value=${word}
        onInput=${(event) => (setWord(event.currentTarget.value), setAt(0))} onKeyDown=${press} autofocus />
      <ul id="choices" role="listbox" aria-label=${T.palette}>
        ${found.map(
          (choice, number) => html`
            <li id=${`choice-${number}`} role="option" aria-selected=${String(number === at)} onClick=${() => choose(choice)}>
              <bdi>${choice[0]}</bdi>
            </li>
          `,
        )}
      </ul>
      ${!found.length && html`<p class="soft">${T.nothingFound}</p>`}
    </dialog>
  `;
}

/** All letters of the word, in their order. */
function fits(name, word) {
  const letters = [...word.trim().toLowerCase()];
  let from = 0;
  return letters.every((letter) => (from = name.toLowerCase().indexOf(letter, from) + 1) > 0);
}

const open = (name) => () => (state.dialog.value = { name });

function choices() {
  const models = state.models.value.filter((one) => one.ready);
  return [
    [T.newSession, open("new")],
    [T.schedule, open("schedule")],
    ...(state.running.value ? [[T.stop, stop]] : []),
    [T.keysTitle, open("keys")],
    ...state.sessions.value.map((one) => [visible(one.displayName), () => visit(one.sessionKey)]),
    ...models.map((one) => [T.useModel(one.ref), () => chooseModel(one.ref)]),
    [T.useDefault, () => chooseModel(null)],
  ];
}
