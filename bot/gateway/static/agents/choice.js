// Which models an agent uses: the first one, those that stand in, in order, and those for tasks.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Choice as Pick } from "../ui/form.js";
import { rpc } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_models.js";
import { Act, Part } from "./parts.js";

export function Choice({ agent, models, reload }) {
  const [primary, setPrimary] = useState(agent.model.primary);
  const [fallbacks, setFallbacks] = useState(agent.model.fallbacks);
  const [cheap, setCheap] = useState(agent.taskModels.cheap ?? "");
  const [strong, setStrong] = useState(agent.taskModels.strong ?? "");
  const save = async () => {
    const task = { ...(cheap && { cheap }), ...(strong && { strong }) };
    await rpc("agents.update", {
      agentId: agent.id,
      model: { primary, fallbacks },
      task_models: Object.keys(task).length ? task : null,
    });
    await reload();
  };
  return html`
    <${Part} name=${T.choice} hint=${T.choiceHint}>
      <div class="columns">
        <${Pick} name=${T.primary} value=${primary} change=${setPrimary} options=${options(models, primary)} hint=${reason(models, primary)} />
        <${Pick} name=${T.cheap} value=${cheap} change=${setCheap} options=${[["", T.asPrimary(primary)], ...options(models, cheap)]}
          hint=${cheap ? reason(models, cheap) : T.cheapNote(primary)} />
        <${Pick} name=${T.strong} value=${strong} change=${setStrong} options=${[["", T.asPrimary(primary)], ...options(models, strong)]}
          hint=${strong ? reason(models, strong) : T.strongNote(primary)} />
      </div>
      <${Fallbacks} models=${models} chosen=${fallbacks} primary=${primary} change=${setFallbacks} />
      <div class="actions"><${Act} name=${common.save} look="primary" run=${save} done=${T.chosen} /></div>
    <//>
  `;
}

/** The models that may be chosen, with their state; what is chosen now is always among them. */
function options(models, chosen) {
  const rows = models.map((one) => [one.ref, one.ready ? one.ref : T.unready(one.ref)]);
  const known = !chosen || models.some((one) => one.ref === chosen);
  return known ? rows : [...rows, [chosen, chosen]];
}

function reason(models, chosen) {
  return models.find((one) => one.ref === chosen)?.reason ?? "";
}

function Fallbacks({ models, chosen, primary, change }) {
  const [next, setNext] = useState("");
  const left = models.filter((one) => one.ref !== primary && !chosen.includes(one.ref));
  const moving = useRef(null);
  const list = useRef(null);
  useEffect(() => {
    // The focus goes with what was moved.
    if (moving.current) list.current?.querySelector(`[data-move="${moving.current}"]:not([disabled])`)?.focus();
    moving.current = null;
  });
  const move = (at, by) => {
    const to = at + by;
    const order = [...chosen];
    [order[at], order[to]] = [order[to], order[at]];
    moving.current = `${to}${by < 0 ? "up" : "down"}`;
    change(order);
    announce(T.moved(chosen[at], to + 1, order.length));
  };
  const add = () => {
    change([...chosen, next]);
    setNext("");
  };
  return html`
    <h3 id="fallbacks">${T.fallbacks}</h3>
    ${chosen.length === 0 && html`<p class="hint">${T.noFallbacks}</p>`}
    <ol class="order" aria-labelledby="fallbacks" ref=${list}>
      ${chosen.map(
        (ref, at) => html`
          <li key=${ref}>
            <span>${at + 1}. ${ref}</span>
            <button type="button" class="quiet" data-move=${`${at}up`} disabled=${at === 0} aria-label=${`${T.up}: ${ref}`} onClick=${() => move(at, -1)}>${T.up}</button>
            <button type="button" class="quiet" data-move=${`${at}down`} disabled=${at === chosen.length - 1} aria-label=${`${T.down}: ${ref}`} onClick=${() => move(at, 1)}>${T.down}</button>
            <button type="button" class="quiet" aria-label=${`${T.remove}: ${ref}`} onClick=${() => change(chosen.filter((one) => one !== ref))}>${T.remove}</button>
          </li>
        `,
      )}
    </ol>
    ${left.length > 0 &&
    html`
      <div class="filters">
        <${Pick} name=${T.another} value=${next} change=${setNext} options=${[["", words.model], ...options(left, "")]} />
        <div class="actions"><button type="button" class="button" disabled=${!next} onClick=${add}>${T.addFallback}</button></div>
      </div>
    `}
  `;
}
