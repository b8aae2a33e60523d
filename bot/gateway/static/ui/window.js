// Long lists: only the rows near the screen are in the page, the rest is empty space of their height.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "./html.js";

const WHOLE = 150; // this many rows are simply shown
const SPARE = 20; // rows kept above and below the screen
const GUESS = 52; // a row's height in pixels, until one was measured

/** Which rows of `count` to show below `body`: `{start, end, before, after}`, heights in pixels. */
export function useWindow(count, body) {
  const height = useRef(GUESS);
  const [start, setStart] = useState(0);
  const [fits, setFits] = useState(WHOLE);
  const whole = count <= WHOLE;
  useEffect(() => {
    if (whole) return undefined;
    const look = () => {
      const above = -body.current.getBoundingClientRect().top / height.current;
      setStart(Math.max(0, Math.floor(above) - SPARE));
      setFits(Math.ceil(innerHeight / height.current) + 2 * SPARE);
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => (removeEventListener("scroll", look), removeEventListener("resize", look));
  }, [count, whole]);
  useLayoutEffect(() => {
    const rows = body.current?.querySelectorAll("[data-row]") ?? [];
    if (rows.length < 2) return;
    const span = rows[rows.length - 1].getBoundingClientRect().bottom - rows[0].getBoundingClientRect().top;
    height.current = span / rows.length;
  });
  if (whole) return { start: 0, end: count, before: 0, after: 0 };
  const from = Math.min(start, Math.max(0, count - fits));
  const to = Math.min(count, from + fits);
  return { start: from, end: to, before: from * height.current, after: (count - to) * height.current };
}

/** The empty space that stands for rows; `span` is how many columns it covers. */
export function Gap({ height, span }) {
  const cell = useRef(null);
  useLayoutEffect(() => {
    if (cell.current) cell.current.style.height = `${height}px`;
  }, [height]);
  if (!height) return null;
  return html`<tr aria-hidden="true" class="gap"><td colspan=${span} ref=${cell}></td></tr>`;
}
