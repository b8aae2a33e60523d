// Markdown to a safe piece of page. Raw HTML is shown as text, pictures become links, and what
// comes out is cut down to an allow-list of tags, attributes and schemes. The content policy of the
// page is the second wall behind this one.
import DOMPurify from "../vendor/purify.js";
import { Marked } from "../vendor/marked.js";
import { hostOf, visible } from "./names.js";
import { T } from "../strings/common.js";

const LONGEST = 200_000;
const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br hr strong em del code pre blockquote ul ol li a h3 h4 h5 h6".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align", "data-lang"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["start", "align", "data-lang"], // they hold no address to check
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escaped = (text) =>
  text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escaped(text),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang }) =>
      `<pre data-lang="${escaped((lang ?? "").trim().split(/\s/)[0])}"><code>${escaped(text)}</code></pre>`,
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6); // the page has its own first two
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    image({ href, text }) {
      const host = hostOf(href);
      const label = escaped(host ? T.image(text, host) : text);
      return host ? `<a href="${escaped(href)}">${label}</a>` : label;
    },
  },
});

/** A document fragment to show. Text that is too long to parse while it grows stays plain. */
export function rendered(text) {
  if (text.length > LONGEST) return plain(text);
  const fragment = DOMPurify.sanitize(marked.parse(text), ALLOWED);
  fragment.querySelectorAll("a").forEach(finishLink);
  fragment.querySelectorAll("pre").forEach(frameCode);
  fragment.querySelectorAll("table").forEach(frameTable);
  return fragment;
}

function plain(text) {
  const fragment = document.createDocumentFragment();
  const block = document.createElement("p");
  block.className = "plain-text";
  block.textContent = text;
  fragment.append(block);
  return fragment;
}

/** A link leads out, tells nobody where from, and cannot pretend to lead elsewhere. */
function finishLink(link) {
  if (!link.getAttribute("href")) {
    link.replaceWith(...link.childNodes);
    return;
  }
  const host = hostOf(link.href);
  const says = link.textContent.match(/[\w-]+(\.[\w-]+)+/)?.[0] ?? "";
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.title = visible(link.href);
  if (host && says && !host.endsWith(says.toLowerCase()) && !link.textContent.includes(host)) {
    link.append(` (${host})`);
  }
}

function frameCode(block) {
  const frame = element("div", "code");
  const bar = element("div", "code-bar");
  const language = element("span", "");
  language.textContent = block.dataset.lang || T.code;
  bar.append(language);
  if (navigator.clipboard) bar.append(copyButton(block));
  scrollable(block, T.code);
  block.replaceWith(frame);
  frame.append(bar, block);
}

function copyButton(block) {
  const button = element("button", "quiet");
  button.type = "button";
  button.textContent = T.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = T.copied;
    setTimeout(() => (button.textContent = T.copy), 1500);
  });
  return button;
}

function frameTable(table) {
  const frame = element("div", "table");
  scrollable(frame, T.table);
  table.replaceWith(frame);
  frame.append(table);
}

/** What scrolls can be reached and scrolled by keyboard. */
function scrollable(block, name) {
  block.tabIndex = 0;
  block.setAttribute("role", "region");
  block.setAttribute("aria-label", name);
}

function element(name, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
