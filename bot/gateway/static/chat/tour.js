// The demo tour: four steps in a session of its own, done by what really happened in it.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { confirm } from "../ui/dialog.js";
import { useLive } from "../ui/live.js";
import { rpc } from "../ui/rpc.js";
import { announce, told } from "../ui/toast.js";
import { T } from "../strings/tour.js";
import { send } from "./sending.js";
import * as state from "./state.js";

const NAMES = ["stream", "tool", "approval", "schedule"];
const EVENTS = ["chat", "sessions.changed", "approval.resolved", "tasks.changed"];

export function Tour() {
  const key = state.sessionKey.value;
  const live = useLive(() => rpc("setup.tour"), { events: EVENTS, wanted: (payload) => payload.state !== "delta", keys: [key] });
  const [chosen, choose] = useState(null);
  const tour = live.data?.tour;
  const steps = tour?.sessionKey === key ? tour.steps : null;
  useNews(steps, () => choose(null));
  if (!steps) return null;
  const now = chosen ?? NAMES.find((name) => !steps[name]);
  const [name, text, press] = now ? T.steps[now] : [];
  return html`
    <section class="tour" aria-label=${T.name}>
      <h2>${now ? T.step(NAMES.indexOf(now) + 1, NAMES.length, name) : T.over}</h2>
      <p>${now ? text : T.overText}</p>
      <ol class="chips">
        ${NAMES.map(
          (one) => html`<li><button class="chip" aria-current=${one === now ? "step" : undefined} onClick=${() => choose(one)}>
            ${T.steps[one][0]}: ${steps[one] ? T.done : T.open}
          </button></li>`,
        )}
      </ol>
      <div class="buttons">
        <button class=${now ? "quiet" : "primary"} onClick=${() => leave(tour)}>${T.leave}</button>
        ${now && html`<button class="primary" disabled=${Boolean(state.running.value)} onClick=${() => act(now, tour)}>${press}</button>`}
      </div>
    </section>
  `;
}

/** Three steps are messages to the demo model, the last one is the reader's own. */
function act(step, { says }) {
  if (says[step]) send(says[step]);
  else state.dialog.value = { name: "schedule", phrase: T.when, what: T.prompt };
}

/** Say which step was done, and go on to the next that is not. */
function useNews(steps, next) {
  const before = useRef(null);
  useEffect(() => {
    const done = steps && before.current && NAMES.find((name) => steps[name] && !before.current[name]);
    if (done) {
      announce(T.stepDone(T.steps[done][0]));
      next();
    }
    before.current = steps;
  }, [steps]);
}

async function leave({ label, tasks }) {
  const yes = await confirm({ title: T.leave, text: T.leaveText(label, tasks), action: T.leave });
  if (yes && (await told(() => rpc("setup.tourEnd")))) location.assign("/start");
}
