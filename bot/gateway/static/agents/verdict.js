// How a live test went, in words.
import { html } from "../ui/html.js";
import { T } from "../strings/agents_models.js";

/** Why a test failed. */
export function failure(verdict) {
  return [T.reasons[verdict.reason], verdict.message].filter(Boolean).join(": ");
}

/** `{ok, reason?, message?}` of a test; `good` is what to say when it went well. */
export function Verdict({ verdict, good }) {
  return html`<p class=${`verdict ${verdict.ok ? "good" : "bad"}`}>${verdict.ok ? good : failure(verdict)}</p>`;
}
