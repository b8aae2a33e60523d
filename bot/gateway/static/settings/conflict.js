// The file has changed under an edit: what differs, and what can be done. Nothing is saved over it.
import { html } from "../ui/html.js";
import { T } from "../strings/settings.js";

const MOST = 200;

export function Conflict({ mine, file, take, copy }) {
  const rows = differences(file.split("\n"), mine.split("\n"));
  return html`
    <div class="state bad" role="alert">
      <p class="big">${T.conflict}</p>
      <p>${T.conflictText}</p>
      <div class="actions">
        <button type="button" class="button" onClick=${copy}>${T.copyMine}</button>
        <button type="button" class="button" onClick=${take}>${T.takeFile}</button>
      </div>
    </div>
    <h2>${T.differences}</h2>
    <dl class="differences">
      ${rows.map(
        ([side, line, text]) => html`<div class=${side}><dt>${side === "file" ? T.inFile : T.mine}, ${T.line(line)}</dt><dd><code>${text || " "}</code></dd></div>`,
      )}
    </dl>
  `;
}

/** Lines that stand on one side only, in the order of the file: `[side, line, text]`. */
export function differences(file, mine) {
  const begin = file.findIndex((line, at) => line !== mine[at]);
  if (begin < 0 && file.length === mine.length) return [];
  const from = begin < 0 ? file.length : begin;
  let back = 0;
  while (back < Math.min(file.length, mine.length) - from && file.at(-1 - back) === mine.at(-1 - back)) back += 1;
  const part = (side, lines) => lines.slice(from, lines.length - back).map((text, at) => [side, from + at + 1, text]);
  return [...part("file", file), ...part("mine", mine)].slice(0, MOST);
}
