// Bars by uPlot, which is loaded when the first plot is drawn. The colours are the page's own.
import uPlot from "../vendor/uplot.js";

const HEIGHT = 220;
const GAP = 0.7;

/** Draw stacked bars into `place`: `names` of the places on the axis, `series` `{name, values}`.
 *
 * Returns `{resize, destroy}`.
 */
export function draw(place, names, series, tones) {
  const width = () => Math.max(200, place.clientWidth);
  const plot = new uPlot(options(place, names, series, tones, width()), stacked(names, series), place);
  return { resize: () => plot.setSize({ width: width(), height: HEIGHT }), destroy: () => plot.destroy() };
}

// The highest is drawn first, and each lower one over it.
function stacked(names, series) {
  const sums = names.map(() => 0);
  const rows = series.map(({ values }) => values.map((value, at) => (sums[at] += value ?? 0)));
  return [names.map((_, at) => at), ...rows.reverse()];
}

function options(place, names, series, tones, width) {
  // A property of one's own is a text, and a canvas cannot read `light-dark()`; a border's colour is one.
  const { color: ink, borderTopColor: line } = getComputedStyle(place);
  const bars = uPlot.paths.bars({ size: [GAP, 60] });
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const label = (at) => names[at] ?? "";
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [-0.6, names.length - 0.4] }, y: { range: (_, low, high) => [0, high || 1] } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? label(at) : "")), incrs: [1, 2, 5, 10, 20, 50] },
      { ...axis, size: 70 },
    ],
    series: [{}, ...series.map((_, at) => ({ fill: tones[series.length - 1 - at], width: 0, paths: bars, points: { show: false } }))],
  };
}
