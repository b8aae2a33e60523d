// A text with numbered lines; a line with a mistake is marked and says it beside the number.
import { useRef } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { T } from "../strings/settings.js";

export function Lines({ box, text, change, problems }) {
  const gutter = useRef(null);
  const wrong = new Map();
  for (const one of problems) wrong.set(one.line, [...(wrong.get(one.line) ?? []), `${one.column}: ${one.what}`]);
  const follow = () => (gutter.current.scrollTop = box.current.scrollTop);
  return html`
    <div class="lines">
      <ol class="gutter" ref=${gutter} aria-hidden="true">
        ${text.split("\n").map((_, at) => {
          const said = wrong.get(at + 1);
          return html`<li class=${said ? "wrong" : ""} title=${said?.join("\n")}>${at + 1}</li>`;
        })}
      </ol>
      <textarea aria-label=${T.editor} ref=${box} wrap="off" spellcheck="false" autocapitalize="off" autocomplete="off" dir="ltr"
        aria-invalid=${problems.length ? "true" : undefined} value=${text} onScroll=${follow}
        onInput=${(event) => change(event.currentTarget.value)}></textarea>
    </div>
  `;
}
