"""What leaves: exact Markdown, a page that can do nothing, a zip of everything, names that any system takes."""

from __future__ import annotations

import io
import re
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.messages import ImagePart, TextPart
from lib.transfer.archive import exported, write_zip
from lib.transfer.as_markdown import to_markdown
from lib.transfer.as_page import PLAIN_FROM, POLICY, rendered, to_page
from lib.transfer.document import ConversationCopy, CostCopy, Found
from lib.transfer.names import file_name
from lib.transfer.reading import read_import
from lib.transfer.words import cost_line, total_words
from tests.transfer.documents import AT, PNG, conversations, said

HOSTILE = [
    "![x](https://evil.example/a.png)",
    "![x][r]\n\n[r]: https://evil.example/b.png",
    '<img src="https://evil.example/c" onerror="alert(1)">',
    "<script>alert(1)</script>",
    "<style>body{background:url(https://evil.example)}</style>",
    '<iframe srcdoc="<script>parent.x=1</script>"></iframe>',
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "</main></body><svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:x) [file](file:///etc/passwd) [app](ccswitch://x)",
    "[here](/auth/logout) [there](//evil.example)",
    '[quote](https://a.example/"onmouseover=alert(1)//)',
    '<https://evil.example/"onclick=alert(1)>',
    '```"><script>alert(1)</script>\ncode\n```',
    "`</code><script>alert(1)</script>`",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[![x](https://evil.example/d.png)](https://evil.example)",
    "\x00\x1b[31m\x7f",
]


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


TAGS = re.compile(
    "html|head|meta|title|style|body|main|header|h[1-6]|p|article|span|div|details|summary|a|em|strong|code|pre|ul|ol|li|"
    "blockquote|hr|br|table|thead|tbody|tr|th|td|s|img"
)
ATTRIBUTES = re.compile("lang|charset|http-equiv|content|name|class|dir|src|alt|href|rel|target|title|start|style")


def assert_harmless(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert TAGS.fullmatch(tag), tag
        assert all(map(ATTRIBUTES.fullmatch, attributes)), (tag, attributes)
        if tag == "img":
            assert re.match(r"data:image/(png|jpeg|gif|webp);base64,[\w+/=]*\Z", attributes["src"] or "")
        if tag == "a":
            assert re.match(r"(https?://|mailto:)", attributes["href"] or "", re.IGNORECASE)
            assert "noopener" in (attributes["rel"] or "")
        if tag == "meta" and "http-equiv" in attributes:
            assert attributes == {"http-equiv": "Content-Security-Policy", "content": POLICY}
        if "style" in attributes:
            assert re.fullmatch(r"text-align:(left|right|center)", attributes["style"] or "")
    assert "\x00" not in page and "\x1b" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_wherever_they_stand(text: str) -> None:
    chat = said(text, text, title=text, system=text)
    answer = structs.replace(
        chat.messages[1], reasoning=text, model=structs.replace(chat.messages[1].model, model=text)
    )
    assert_harmless(to_page(structs.replace(chat, messages=(chat.messages[0], answer)), note=text))


@settings(max_examples=80)
@given(
    st.lists(st.sampled_from([*HOSTILE, "\n", "\n\n", "> ", "- ", "    ", "```\n", "<", '"', "](", "&#"]), max_size=8)
)
def test_no_mixture_of_hostile_words_does_anything(pieces: list[str]) -> None:
    assert_harmless(to_page(said("hi", "".join(pieces))))


def test_the_page_shows_markdown_and_its_pictures_as_words() -> None:
    page = rendered(
        "# Title\n\n**bold** `code`\n\n```python\nx = 1 < 2\n```\n\n[a](https://a.example) ![cat](https://b.example)"
    )
    assert "<strong>bold</strong>" in page and '<code class="language-python">x = 1 &lt; 2' in page
    assert '<a href="https://a.example" rel="noopener noreferrer nofollow" target="_blank">' in page
    assert "[Picture: cat]" in page and "b.example" not in page
    assert "<h3>Title</h3>" in page


def test_only_pictures_that_cannot_act_are_embedded() -> None:
    chat = said("look", "a cat")
    parts = (TextPart("look"), ImagePart("image/png", PNG), ImagePart("image/svg+xml", b"<svg onload=alert(1)/>"))
    page = to_page(structs.replace(chat, messages=(structs.replace(chat.messages[0], parts=parts), chat.messages[1])))
    assert page.count("<img ") == 1 and "svg" not in page
    assert_harmless(page)


def test_what_is_not_asked_for_is_not_on_the_page() -> None:
    chat = said("look", "a cat")
    secret = structs.replace(chat.messages[1], reasoning="in private")
    seen = structs.replace(chat.messages[0], parts=(ImagePart("image/png", PNG),))
    page = to_page(structs.replace(chat, messages=(seen, secret)), costs=False, reasoning=False, pictures=False)
    assert "$" not in page and "tokens" not in page and "private" not in page and "<img" not in page


def test_an_endless_text_is_shown_as_it_is() -> None:
    page = rendered("*" * (PLAIN_FROM + 1))
    assert page.startswith('<div class="plain">')


@pytest.mark.parametrize(
    "text", ["> " * 5000 + "x", "[" * 20_000, "*a _" * 20_000, "`" * 20_000, "- " * 5000, "|" * 20_000]
)
def test_markdown_bombs_end_soon(text: str) -> None:
    assert_harmless(rendered(text))


# --- Markdown -------------------------------------------------------------------------------------------------------


def test_markdown_has_the_exact_text_and_what_it_cost() -> None:
    text = "# not *our* heading\n\n```\n  kept   as is\n```\n<b>&amp;"
    page = to_markdown(said("why?", text, title="Why * not"))
    assert page.startswith("# Why \\* not\n")
    assert f"\n\n{text}\n\n" in page
    assert "## gpt-5.4 · Premium pool · 2025-06-15 15:06 UTC" in page
    assert "*1,204 → 388 tokens · \\$0.0021 (gateway price)*" in page


def test_markdown_says_that_there_are_other_versions() -> None:
    chat = said("why?", "because")
    other = structs.replace(chat.messages[1], id="another-1", text="never mind")
    page = to_markdown(structs.replace(chat, messages=(*chat.messages, other)))
    assert "never mind" not in page and "1 message of other versions" in page


@given(conversations())
@settings(max_examples=40)
def test_every_shown_text_is_in_the_markdown(chat: ConversationCopy) -> None:
    page = to_markdown(chat)
    assert all(message.text in page for message in chat.branch)


# --- words ----------------------------------------------------------------------------------------------------------


def test_unknown_costs_are_unpriced_and_guesses_are_marked() -> None:
    answer = said("hi", "ho").messages[1]
    (spent,) = answer.attempts
    unpriced = structs.replace(spent, costs=(CostCopy(),))
    guessed = structs.replace(spent, usage_source="estimated")
    assert cost_line(structs.replace(answer, attempts=(unpriced,))).endswith("unpriced")
    assert "≈ $0.0021" in cost_line(structs.replace(answer, attempts=(guessed,)))
    assert cost_line(structs.replace(answer, attempts=(spent, unpriced))).endswith("(gateway price), 1 unpriced")


def test_currencies_and_demo_money_are_never_added() -> None:
    chat = said("hi", "ho", "hi", "ho")
    first, second = chat.messages[1], chat.messages[3]
    yuan = structs.replace(second.attempts[0], costs=(CostCopy(nano=10**9, currency="CNY"),))
    mixed = (chat.messages[0], first, chat.messages[2], structs.replace(second, attempts=(yuan,)))
    assert total_words(structs.replace(chat, messages=mixed)) == "$0.0021 + ¥1.00"


# --- zip and names --------------------------------------------------------------------------------------------------


def test_a_zip_of_everything_can_be_imported_again() -> None:
    chats, file = [said("one", "two", title=f"Chat / {at}") for at in range(3)], io.BytesIO()
    spend = chats[0].messages[1].attempts
    assert write_zip(file, iter(chats), iter([spend]), form="json", at_ms=AT) == 3
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist()[0] == "conversations/00001-Chat-0.json"
        assert archive.namelist()[-1] == "spend/00001.json"
    items = list(read_import(file))
    assert [item.conversation for item in items if isinstance(item, Found)] == chats
    assert len(items) == 4


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_zip_for_reading_has_a_file_for_each_chat(form: str) -> None:
    file = io.BytesIO()
    write_zip(file, [said("one", "two", title="../évil\\..")], form=form, at_ms=0)
    with zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
    assert name == f"conversations/00001-évil.{'md' if form == 'markdown' else 'html'}"


@given(conversations(), st.sampled_from(["json", "markdown", "html"]))
@settings(max_examples=40)
def test_any_chat_can_leave_in_any_form(chat: ConversationCopy, form: str) -> None:
    data = exported(chat, form, zone="Europe/Berlin")
    assert data.decode()
    if form == "html":
        assert_harmless(data.decode())


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_a_file_name_is_a_name_and_nothing_else(title: str) -> None:
    name = file_name(title, "md")
    assert re.fullmatch(r"[\w-]+\.md", name)
    assert len(name.encode()) <= 200


@pytest.mark.parametrize("title", ["", "...", "../..", "CON", "nul", "\u202e", "/"])
def test_a_title_that_is_no_name_becomes_chat(title: str) -> None:
    assert file_name(title, "json") == "chat.json"
