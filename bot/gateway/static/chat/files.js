// Files of a message: taken by button, drag or paste, uploaded at once, sent with the next message.
import { html } from "../ui/html.js";
import { size } from "../ui/format.js";
import { visible } from "../ui/names.js";
import { setFiles } from "./sending.js";
import * as state from "./state.js";
import * as storage from "./storage.js";
import { T } from "../strings/chat.js";

const MOST = 10;
const LARGEST = 25 * 1024 * 1024;
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Upload files for the session in view. What is too much is said and left out. */
export function take(list) {
  const key = state.sessionKey.value;
  for (const file of list) {
    if (state.files.value.length >= MOST) state.notice.value = T.tooMany(MOST);
    else if (file.size > LARGEST) state.notice.value = T.tooLarge(visible(file.name), size(LARGEST));
    else if (file.size === 0) state.notice.value = T.emptyFile(visible(file.name));
    else upload(key, file);
  }
}

async function upload(key, file) {
  const local = { local: Symbol("upload"), name: file.name || T.pasted, mime: file.type, size: file.size };
  setFiles(key, [...filesOf(key), local]);
  try {
    const answer = await fetch(`/uploads?name=${encodeURIComponent(local.name)}`, { method: "POST", body: file });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error?.message ?? "");
    setFiles(key, filesOf(key).map((one) => (one.local === local.local ? said : one)));
  } catch (error) {
    setFiles(key, filesOf(key).filter((one) => one.local !== local.local));
    state.notice.value = T.notUploaded(visible(local.name), error.message);
  }
}

/** Uploads end in the session where they began; the list in view has those under way too. */
const filesOf = (key) => (key === state.sessionKey.value ? state.files.value : storage.files(key));

export const uploading = () => state.files.value.some((one) => !one.id);

const isImage = (one) => one.id && IMAGES.includes(one.mime);
const address = (one) => `/attachments/${encodeURIComponent(one.id)}`;

/** What goes out with the next message. */
export function Waiting() {
  const remove = (one) => setFiles(state.sessionKey.value, state.files.value.filter((other) => other !== one));
  if (!state.files.value.length) return null;
  return html`
    <ul class="files" aria-label=${T.files}>
      ${state.files.value.map(
        (one) => html`
          <li class="file">
            ${isImage(one) && html`<img src=${address(one)} alt="" />`}
            <span><bdi>${visible(one.name)}</bdi> <small>${one.id ? size(one.size) : T.uploading}</small></span>
            <button type="button" class="quiet" aria-label=${T.removeFile(visible(one.name))} onClick=${() => remove(one)}>×</button>
          </li>
        `,
      )}
    </ul>
  `;
}

/** The files of a message that was said: pictures are shown, all can be downloaded. */
export function Sent({ files }) {
  if (!files?.length) return null;
  return html`
    <ul class="files sent" aria-label=${T.files}>
      ${files.map((one) => html`<li class="file"><${SentFile} file=${one} /></li>`)}
    </ul>
  `;
}

function SentFile({ file }) {
  const about = html`<bdi>${visible(file.name || T.file)}</bdi> ${file.size && html`<small>${size(file.size)}</small>`}`;
  if (!file.id) return html`<span>${about}</span>`;
  return html`
    <a href=${address(file)} download=${visible(file.name || T.file)}>
      ${isImage(file) && html`<img src=${address(file)} alt="" loading="lazy" />`}
      <span>${about}</span>
    </a>
  `;
}
