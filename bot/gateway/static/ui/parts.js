// Small things that lists and facts are made of.
import { html } from "./html.js";
import { exactly, inZone } from "./format.js";
import { channelMark, visible } from "./names.js";
import { T } from "../strings/common.js";

/** A time in the reader's zone; a task's own zone is named beside it. */
export function Time({ at, zone }) {
  if (!at) return null;
  return html`<time dateTime=${at} title=${exactly(at, zone)}>${inZone(at, zone)}</time>`;
}

/** A name from outside, isolated from the text around it, with what is invisible spelled out. */
export function Name({ text }) {
  return html`<bdi>${visible(text)}</bdi>`;
}

/** The letter of a channel and its name; the page and the terminal are "web". */
export function Channel({ name }) {
  const { letter, hue } = channelMark(name);
  return html`<span class="channel"><span class=${`letter hue${hue}`} aria-hidden="true">${letter}</span> ${name ?? T.web}</span>`;
}

/** A short word for a state; `look` is good, bad or nothing. */
export function Tag({ look = "", children }) {
  return html`<span class=${`tag ${look}`}>${children}</span>`;
}

/** Facts as a list of names and values: `[[name, value], ...]`; what has no value is left out. */
export function Facts({ rows }) {
  const there = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`
    <dl class="facts">
      ${there.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  `;
}
