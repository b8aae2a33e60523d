// The story of one message, from the rule that let it in to the receipts of its answer: what
// `trunkline why` says. The button asks for it when it is pressed.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "./html.js";
import { T } from "../strings/why.js";
import { T as common } from "../strings/common.js";
import { exactly } from "./format.js";
import { visible } from "./names.js";
import { Facts, Tag, Time } from "./parts.js";
import { rpc, sentence } from "./rpc.js";

/** A button "Why"; `id` is a run's or a message's. */
export function WhyButton({ id }) {
  const [open, setOpen] = useState(false);
  return html`
    <button type="button" class="quiet" onClick=${() => setOpen(true)}>${T.why}</button>
    ${open && html`<${Why} id=${id} close=${() => setOpen(false)} />`}
  `;
}

function Why({ id, close }) {
  const dialog = useRef(null);
  const [story, setStory] = useState(null);
  const [error, setError] = useState("");
  useLayoutEffect(() => {
    const before = document.activeElement;
    const box = dialog.current;
    box.showModal();
    // While it is open, nothing outside of it can have the focus.
    return () => (box.close(), before?.focus());
  }, []);
  useEffect(() => {
    rpc("why", { id }).then(setStory, (failed) => setError(sentence(failed)));
  }, [id]);
  return html`
    <dialog ref=${dialog} class="wide-dialog" aria-label=${T.title} onClose=${close}>
      <h2>${T.title}</h2>
      ${error && html`<p class="error" role="alert">${error}</p>`}
      ${!story && !error && html`<p>${common.loading}</p>`}
      ${story && html`<${Story} story=${story} />`}
      <div class="buttons"><button type="button" class="primary" onClick=${close}>${common.close}</button></div>
    </dialog>
  `;
}

function Story({ story }) {
  if (story.candidates) return html`<p>${T.several}</p>`;
  const { admission, route, run, steps, parts } = story;
  return html`
    <${Facts} rows=${[
      [T.admission, `${admission.allowed ? T.allowed : T.refused}: ${visible(admission.rule)}`],
      [T.agent, visible(route.agentId)],
      [T.matched, visible(route.matchedBy)],
      [T.session, html`<code>${route.sessionKey}</code>`],
      [T.run, run && html`${run.status} <code>${run.runId}</code>`],
      [T.began, run && exactly(run.startedAt)],
      [T.ended, run && exactly(run.endedAt)],
      [T.error, run?.error && `${run.error.code}: ${run.error.message}`],
    ]} />
    <h3>${T.steps}</h3>
    <ol class="steps">${spans(steps).map((span, at) => html`<${Step} key=${at} step=${steps[at]} span=${span} />`)}</ol>
    ${parts.length > 0 &&
    html`
      <h3>${T.parts}</h3>
      <ul class="steps">${parts.map((part) => html`<${Part} key=${part.part} part=${part} />`)}</ul>
    `}
  `;
}

/** When each step began and ended, in milliseconds after the first, and how long all of them took. */
function spans(steps) {
  const ends = steps.map((step) => Date.parse(step.at) - Date.parse(steps[0].at));
  const whole = Math.max(1, ...ends);
  return ends.map((end, at) => ({ begin: Math.max(0, steps[at].ms ? end - steps[at].ms : (ends[at - 1] ?? 0)), end, whole }));
}

function Step({ step, span }) {
  const took = step.ms === null || step.ms === undefined ? "" : T.ms(step.ms);
  const share = (value) => (100 * value) / span.whole;
  return html`
    <li>
      <${Time} at=${step.at} /> <span class="soft">${T.after(span.end)}</span> <b>${T.kinds[step.kind] ?? step.kind}</b> ${visible(step.name)}
      ${took && html`<span class="soft">${took}</span>`}
      ${step.detail && html`<span class="soft">${visible(String(step.detail))}</span>`}
      <svg class="fall" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect x=${Math.min(99, share(span.begin))} width=${Math.max(1, share(span.end - span.begin))} height="4" />
      </svg>
    </li>
  `;
}

function Part({ part }) {
  const look = part.state === "sent" ? "good" : part.state === "failed" ? "bad" : "";
  return html`
    <li>
      <${Tag} look=${look}>${part.state}<//> ${T.attempts(part.attempts)} <${Time} at=${part.at} />
      ${part.error && html`<span class="error">${visible(part.error)}</span>`}
    </li>
  `;
}
