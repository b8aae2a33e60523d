// /start: four cards for a new Trunkline, each done or not done by what is really there.
import { html } from "../ui/html.js";
import { useLive } from "../ui/live.js";
import { Tag } from "../ui/parts.js";
import { rpc } from "../ui/rpc.js";
import { mount } from "../ui/shell.js";
import { Failed } from "../ui/table.js";
import { told } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/start.js";
import { AddModel } from "./model.js";

mount(App);

function App() {
  const live = useLive(read, { events: ["channel.status", "tasks.changed", "sessions.changed"] });
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!live.data) return html`<p class="soft state loading">${common.loading}</p>`;
  const { model, channel, task, demo, agentId, tour } = live.data;
  const agent = `/agents/${encodeURIComponent(agentId)}`;
  const down = channel.accounts.length > 0 && !channel.done;
  return html`
    <p>${T.intro}</p>
    <ul class="cards">
      <${Card} title=${T.model} text=${T.modelText} done=${model.done} said=${model.done && T.modelDone(model.ready.includes(model.primary) ? model.primary : model.ready[0])}>
        <${AddModel} changed=${live.reload} />
        <a class="button" href=${`${agent}/models`}>${T.paste}</a>
      <//>
      <${Card} title=${T.channel} text=${T.channelText} done=${channel.done}
        said=${channel.done ? T.channelDone(channel.up.join(", ")) : down && T.channelDown(channel.accounts.join(", "))}>
        <a class="button" href=${`${agent}/channels`}>${T.connect}</a>
      <//>
      <${Card} title=${T.task} text=${T.taskText} done=${task.done} said=${task.done && T.taskDone(task.tasks)}>
        <a class="button" href="/chat">${T.schedule}</a>
      <//>
      <${Card} title=${T.demo} text=${T.demoText} done=${demo.done} said=${demo.done && T.demoDone}>
        <button type="button" class="button" onClick=${begin}>${tour ? T.onTour : T.tour}</button>
      <//>
    </ul>
    ${!model.done && !channel.accounts.length && html`<p class="soft"><button type="button" class="button" onClick=${dismiss}>${T.notNow}</button> ${T.notNowText}</p>`}
  `;
}

async function read() {
  const [state, { tour }] = await Promise.all([rpc("setup.state"), rpc("setup.tour")]);
  return { ...state, tour };
}

/** To the tour's session, a new one unless a tour is on. */
const begin = () =>
  told(async () => {
    const { tour } = await rpc("setup.tour", { begin: true });
    location.assign(`/chat#${tour.sessionKey}`);
  });

async function dismiss() {
  if (await told(() => rpc("setup.dismiss"))) location.assign("/chat");
}

function Card({ title, text, done, said, children }) {
  return html`
    <li class="card" data-done=${String(done)}>
      <h2>${title} <${Tag} look=${done ? "good" : ""}>${done ? T.done : T.open}<//></h2>
      <p class="soft">${text}</p>
      ${said && html`<p>${said}</p>`}
      <div class="actions">${children}</div>
    </li>
  `;
}
