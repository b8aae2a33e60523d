// A button that copies. Without TLS a browser has no clipboard for scripts, but the old way works.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { announce } from "./toast.js";

const SHOWN = 1_500;

/** Put a text on the clipboard. Returns whether that worked. */
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return true;
  }
  const before = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const worked = document.execCommand("copy");
  box.remove();
  before?.focus();
  return worked;
}

/** `text` is what is copied, `name` what the button says. */
export function CopyButton({ text, name = T.copy }) {
  const [done, setDone] = useState(false);
  const press = async () => {
    if (!(await copy(text).catch(() => false))) return announce(T.notCopied);
    announce(T.copied);
    setDone(true);
    setTimeout(() => setDone(false), SHOWN);
  };
  return html`<button type="button" class="quiet" onClick=${press}>${done ? T.copied : name}</button>`;
}
