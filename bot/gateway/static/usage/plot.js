// One plot: a drawing with its legend, the same as a table, and as a file.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { announce } from "../ui/toast.js";
import { visible } from "../ui/names.js";
import { Table } from "../ui/table.js";
import { T } from "../strings/usage.js";
import { saveCsv } from "./csv.js";

const TONES = 6;

/** `names` and `series` are what is drawn, `children` stand in for a drawing where there is none.
 *
 * `columns` are a table's, with `value(row)` for the file; `rows` are what both show.
 */
export function Plot({ name, id, note, figures, names, series, columns, rows, children }) {
  const [open, setOpen] = useState(false);
  const save = () => (saveCsv(name, columns, rows), announce(T.saved));
  const shown = columns.map((one) => ({ sort: one.value, cell: one.value, ...one }));
  return html`
    <section class="plot" aria-labelledby=${`plot-${id}`}>
      <div class="actions">
        <h2 id=${`plot-${id}`}>${name}</h2>
        ${rows.length > 0 &&
        html`<div class="actions">
          <button type="button" class="button" aria-label=${T.tableOf(name)} aria-expanded=${String(open)}
            onClick=${() => setOpen(!open)}>${T.table}</button>
          <button type="button" class="button" aria-label=${T.csvOf(name)} onClick=${save}>${T.csv}</button>
        </div>`}
      </div>
      ${note && html`<p class="hint">${note}</p>`}
      ${figures && html`<p class="figures">${figures}</p>`}
      ${!rows.length ? html`<p class="soft">${T.nothing}</p>` : children ?? html`<${Drawing} name=${name} names=${names} series=${series} />`}
      ${open && rows.length > 0 &&
      html`<${Table} name=${T.tableOf(name)} columns=${shown} rows=${rows} id=${(row) => JSON.stringify(row)}
        live=${{ data: true }} by=${`sort-${id}`} empty=${{ title: T.nothing }} />`}
    </section>
  `;
}

function Drawing({ name, names, series }) {
  const place = useRef(null);
  const keys = useRef(null);
  useEffect(() => {
    let plot = null;
    let gone = false;
    const tones = () => [...keys.current.querySelectorAll(".key")].map((one) => getComputedStyle(one).color);
    const again = async () => {
      const { draw } = await import("./drawing.js");
      if (gone) return;
      plot?.destroy();
      plot = draw(place.current, names, series, tones());
    };
    again();
    const watcher = new ResizeObserver(() => plot?.resize());
    watcher.observe(place.current);
    const look = matchMedia("(prefers-color-scheme: dark)");
    look.addEventListener("change", again);
    const theme = new MutationObserver(again);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => ((gone = true), watcher.disconnect(), theme.disconnect(), look.removeEventListener("change", again), plot?.destroy());
  }, [JSON.stringify([names, series])]);
  return html`
    <div class="canvas soft" ref=${place} role="img" aria-label=${T.plotOf(name)}></div>
    <ul class="legend" ref=${keys}>
      ${series.map((one, at) => html`<li key=${one.name}><span class=${`key tone${at % TONES}`} aria-hidden="true"></span>${visible(one.name)}</li>`)}
    </ul>
  `;
}
