"""What a model writes is shown as text and links, and never acts."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import MAIN, Site, answers, log, say

pytestmark = pytest.mark.browser

FAR = "https://far.example"
PARTS = 4
AT_ONCE = 35  # each has a question, and 80 messages are in the page
HOSTILE = [
    "<script>alert(1)</script>",
    "<script src='https://far.example/x.js'></script>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://far.example/pixel.png'>",
    "<svg onload=alert(1)><circle r=9></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src='https://far.example'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://far.example/x.swf'></object>",
    "<embed src='https://far.example/x'>",
    "<link rel=stylesheet href='https://far.example/x.css'>",
    "<style>body{display:none}</style>",
    "<style>@import 'https://far.example/x.css';</style>",
    "<base href='https://far.example/'>",
    "<meta http-equiv=refresh content='0;url=https://far.example'>",
    "<form action='https://far.example'><input name=a><button>Send</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<button onclick=alert(1)>press me</button>",
    "<a href='javascript:alert(1)'>press me</a>",
    "<div style='position:fixed;inset:0;background:red'>cover</div>",
    "<div onmouseover=alert(1)>over</div>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video src='https://far.example/v.mp4' autoplay></video>",
    "<audio src='https://far.example/a.mp3' autoplay></audio>",
    "<video><source onerror=alert(1)></video>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<x-element onclick=alert(1)>custom</x-element>",
    "<h1 id=app class=composer>clobber</h1>",
    "<img name=body><img id=location>",
    "[press](javascript:alert(1))",
    "[press](JaVaScRiPt:alert(1))",
    "[press](java\tscript:alert(1))",
    "[press](&#106;avascript:alert(1))",
    "[press](javascript&colon;alert(1))",
    "[press](data:text/html,<script>alert(1)</script>)",
    "[press](vbscript:msgbox(1))",
    "[press](file:///etc/passwd)",
    "[press](//far.example/x)",
    "[press](/login)",
    "[press](#agent:main:other)",
    "[press](blob:https://far.example/1)",
    "<javascript:alert(1)>",
    '[press](https://far.example "x\\" onmouseover=alert(1) y=\\"")',
    "![pixel](https://far.example/pixel.png)",
    "![pixel](data:image/png;base64,iVBORw0KGgo=)",
    "![pixel](/static/chat/icon.svg)",
    '![" onerror="alert(1)](x)',
    "![a][ref]\n\n[ref]: https://far.example/pixel.png",
    "[![pixel](https://far.example/pixel.png)](https://far.example)",
    "[a][ref]\n\n[ref]: javascript:alert(1)",
    "```html\n<script>alert(1)</script>\n```",
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    "`<img src=x onerror=alert(1)>`",
    "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>alert(1)</script> | 2 |",
    "- [x] <img src=x onerror=alert(1)>",
    "# <img src=x onerror=alert(1)>",
    "> <iframe src=https://far.example>",
    "www.far.example/<script>alert(1)</script>",
    "https://far.example/\u202egnp.exe",
    "\u202eevil\u202c and \u200bhidden \U000e0041 tags",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "\x00<scr\x00ipt>alert(1)</script>",
]
# Known tricks in every place where they could work.
SCHEMES = (
    *(
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "  javascript:alert(1)",
        "\x01javascript:alert(1)",
    ),
    *("java%0ascript:alert(1)", "javascript&#58;alert(1)", "javascript&#x3a;alert(1)"),
    *(
        "javascript://far.example/%0aalert(1)",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
    ),
    *("data:image/svg+xml,<svg/onload=alert(1)>", "vbscript:msgbox(1)", "livescript:alert(1)"),
    *("view-source:javascript:alert(1)", "jar:https://far.example/x", "ftp://far.example/x"),
    *(
        "ws://far.example",
        "intent://far.example",
        "chrome://settings",
        "about:blank",
        "\\\\far.example\\x",
    ),
)
PLACES = ("[press]({})", "<{}>", "![press]({})", "[press][r]\n\n[r]: {}", "<a href='{}'>press</a>")
EVENTS = (
    "onerror",
    "onload",
    "onfocus",
    "onclick",
    "onanimationstart",
    "onpointerover",
    "ontoggle",
)
TAGS = (
    *(
        "img src=x",
        "svg",
        "input autofocus",
        "select autofocus",
        "textarea autofocus",
        "video src=x",
    ),
    *("details open", "a href=x", "p style=animation-name:x", "math", "button popovertarget=x"),
)
GENERATED = [
    *(place.format(scheme) for scheme in SCHEMES for place in PLACES),
    *(f"<{tag} {event}=alert(1)>press" for tag in TAGS for event in EVENTS[:4]),
    *(f"<{tag.split()[0]}/{event}=alert(1)//" for tag in TAGS for event in EVENTS[4:]),
]
ALLOWED = {
    *("P", "BR", "HR", "STRONG", "EM", "DEL", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "A"),
    *("H3", "H4", "H5", "H6", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "DIV", "SPAN", "BUTTON"),
}
NAMES = {
    *("href", "start", "align", "data-lang", "target", "rel", "title"),
    *("tabindex", "role", "aria-label", "class", "type"),
}
# Everything in the answers, as [tag, {attribute: value}].
ELEMENTS = """boxes => boxes.flatMap(box => [...box.querySelectorAll('*')])
  .map(one => [one.tagName, Object.fromEntries([...one.attributes].map(a => [a.name, a.value]))])"""


async def show(web: Site, page: Page, *texts: str, key: str = MAIN) -> None:
    for number, text in enumerate(texts):
        web.model.on(f"{key} {number}", [text])
        await web.bench.ask(f"{key} {number}", f"{key}-{number}", key)
    await expect(answers(page)).to_have_count(len(texts), timeout=30_000)


def test_there_are_enough_samples():
    assert len(set(HOSTILE + GENERATED)) >= 200


@pytest.mark.parametrize("part", range(PARTS))
async def test_hostile_samples_are_inert(web: Site, part: int):
    """As many in a session as are in the page at once."""
    samples = (HOSTILE + GENERATED)[part::PARTS]
    page = await web.sign_in()
    for start in range(0, len(samples), AT_ONCE):
        batch = samples[start : start + AT_ONCE]
        key = f"{MAIN}:chat:part-{start}"
        await page.goto(f"{web.url}/chat#{key}")
        await show(web, page, *batch, key=key)
        seen = await log(page).locator(".md").evaluate_all(ELEMENTS)
        assert len(seen) >= len(batch) / 2
        await inert(page, seen)
        await page.reload()
        await expect(answers(page)).to_have_count(len(batch))
        await inert(page, await log(page).locator(".md").evaluate_all(ELEMENTS))
    assert not [url for url in web.requests if "far.example" in url]


async def inert(page: Page, seen: list[tuple[str, dict[str, str]]]) -> None:
    for tag, attributes in seen:
        assert tag in ALLOWED, (tag, attributes)
        assert attributes.keys() <= NAMES, (tag, attributes)
        href = attributes.get("href", "https://")
        assert href.startswith(("https://", "http://", "mailto:")), attributes
        if tag == "A":
            assert attributes["target"] == "_blank"
            assert "noopener" in attributes["rel"]
    pressed = (
        await log(page)
        .get_by_text("press")
        .evaluate_all("all => all.map(one => one.closest('a')?.href ?? '')")
    )
    assert set(pressed) <= {"", "https://far.example/"}


async def test_raw_html_is_shown_as_it_was_written(web: Site):
    page = await web.sign_in()
    await show(web, page, "before <b onclick=x>bold</b> after")
    await expect(answers(page).locator(".md")).to_have_text("before <b onclick=x>bold</b> after")


async def test_a_picture_is_a_link_that_names_its_host(web: Site):
    page = await web.sign_in()
    await show(web, page, f"![a cat]({FAR}/cat.png) and ![]({FAR}/dog.png)")
    cat = answers(page).get_by_role("link", name="Image: a cat (far.example)")
    await expect(cat).to_have_attribute("href", f"{FAR}/cat.png")
    await expect(answers(page).get_by_role("link", name="Image (far.example)")).to_be_visible()


async def test_a_link_that_says_another_address_tells_its_own(web: Site):
    page = await web.sign_in()
    text = f"[bank.example]({FAR}) [plain words]({FAR}) [see far.example]({FAR}) https://bücher.example"
    await show(web, page, text)
    links = answers(page).get_by_role("link")
    await expect(links.nth(0)).to_have_text("bank.example (far.example)")
    await expect(links.nth(1)).to_have_text("plain words")
    await expect(links.nth(2)).to_have_text("see far.example")
    await expect(links.nth(3)).to_have_attribute("title", "https://xn--bcher-kva.example/")


async def test_markdown_keeps_its_shape(web: Site):
    page = await web.sign_in()
    text = (
        "# Title\n\n### Deep\n\n- [x] done\n- [ ] open\n\n3. three\n\n"
        "| a | b |\n|---|---:|\n| 1 | 2 |\n\n```python\nx = 1 < 2\n```"
    )
    await show(web, page, text)
    answer = answers(page)
    await expect(answer.get_by_role("heading", name="Title", level=3)).to_be_visible()
    await expect(answer.get_by_role("heading", name="Deep", level=5)).to_be_visible()
    await expect(answer.get_by_role("listitem").first).to_have_text("☑ done")
    await expect(answer.locator("ol")).to_have_attribute("start", "3")
    await expect(answer.locator("td").last).to_have_attribute("align", "right")
    await expect(answer.locator("pre")).to_have_text("x = 1 < 2")
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)


async def test_a_session_name_hides_nothing(web: Site):
    await web.bench.app.sessions.create("agent:main:main", "a\u202eb\u200bc")
    page = await web.sign_in()
    sessions = page.get_by_role("navigation", name="Sessions")
    await expect(sessions.get_by_text("a‹U+202E›b‹U+200B›c")).to_be_visible()


async def test_a_very_long_answer_is_shown_whole(web: Site):
    page = await web.sign_in()
    text = " ".join(f"word{number}" for number in range(60_000))
    web.model.on("long", [text])
    await say(page, "long")
    await expect(answers(page)).to_have_count(1)
    await expect(answers(page).locator(".md")).to_have_text(text)
