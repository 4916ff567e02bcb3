"""The corpus is as large as is said, and what can be seen of it without a browser."""

from __future__ import annotations

import re
import time

import pytest

from lib.markdown import Diagram, LiveDrawing, drawn, guard, label, plain, quiet, with_diagrams
from lib.transfer.as_page import rendered
from lib.ui.long_text import PART, first_part, weight
from tests.hostile.bombs import BOMBS
from tests.hostile.fetches import TEMPLATES, fetches
from tests.hostile.files import FILES
from tests.hostile.injections import INJECTIONS

ALL = (*INJECTIONS, *fetches(9))
SAID = re.compile(r"&(?:#\d+|nbsp|lt|gt);")
LOADING = (
    'graph TD\nA@{ img: "http://x.example/p" }', 'graph TD\nA@{ "\\x69mg": "http://x.example/p" }', 'graph TD\nA@{shape: rect, "img": "x"}',
    'sequenceDiagram\nparticipant A\nproperties A: {"icon": "http://x.example/p"}', 'seq%%{init: {}}%%uenceDiagram\nparticipant A\nproperties A: {"icon": "x"}',
    'sequenceDiagram\nparticipant A; Properties A: {"\\u0069con": "x"}',
    "classDiagram\nclass A\nstyle A background:url(http://x.example/p)", "stateDiagram-v2\n[*] --> A\nclassDef c background:URL(x)\nclass A c",
    "stateDiagram-v2\nclassDef c background:u\\72l(x)", '%%{init: {"themeCSS": "*{}"}}%%\ngraph TD\nA', '%%{init: {"\\u0074hemeCSS": "*{}"}}%%\ngraph TD\nA',
    "---\nconfig:\n  themeCSS: x\n---\ngraph TD\nA", '---\nconfig:\n  "theme\\x43SS": x\n---\ngraph TD\nA', "graph TD\nA[x]\nstyle A background:image-set('x' 1x)", "graph TD\nA@{",
)  # fmt: skip
SELF_CONTAINED = (
    "graph TD\nA[x] --> B{y}\nstyle A fill:#fff,stroke:rgb(1,2,3)", 'graph TD\nA@{ shape: rect, label: "x y" }', "graph TD\nA@{shape: rect}",
    "sequenceDiagram\nA->>B: see https://x.example\\nmore", "---\ntitle: x\n---\ngraph TD\nA-->B", '%%{init: {"theme": "forest"}}%%\ngraph TD\nA',
    "graph TD\nsubgraph properties of\nend", "graph TD\nx[the image (a) is]",
    "mindmap\n  Plan\n    Details\n    Properties", "stateDiagram-v2\n[*] --> List\nDetails --> List", "classDiagram\nclass A {\n  details: string\n}",
)  # fmt: skip


def test_the_corpus_is_as_large_as_is_said() -> None:
    assert len(INJECTIONS) >= 300 and len(set(INJECTIONS)) == len(INJECTIONS)
    assert len(TEMPLATES) >= 60 and len(set(fetches(9))) == len(TEMPLATES)
    assert len(BOMBS) >= 12 and all(len(text) >= 100_000 for text in BOMBS.values())
    assert len(FILES) >= 30


@pytest.mark.parametrize("door", [label, quiet])
def test_a_label_has_nothing_in_it_that_could_be_read(door) -> None:
    for text in ALL:
        said = SAID.sub("", door(text)).replace("\\\n", "")
        assert not re.search(r"[<>\[\]()!*_`$:~|#\\{}@&]", said), text


def test_plain_words_are_one_line_without_hidden_letters() -> None:
    for text in ALL:
        assert not re.search(
            "[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]", plain(text)
        ), text


def test_guarded_text_is_the_same_for_every_cut_and_draws_no_picture() -> None:
    for text in ALL:
        blocks = drawn(text)
        assert "".join(blocks).replace("~", "").replace("\n", "") == guard(text).replace("~", "").replace("\n", "")
        for block in blocks:
            assert "![" not in re.sub(r"(?s)(```|~~~).*?(\1|$)|`[^`\n]*`|\\.", "", block), text


def test_a_page_for_others_has_no_markup_of_strangers() -> None:
    own = re.compile(
        r"</?(?:p|a|h[3-6]|ul|ol|li|code|pre|em|strong|s|blockquote|table|thead|tbody|tr|t[hd]|hr|br|span)\b[^<>]*>"
    )
    for text in ALL:
        page = rendered(text)
        assert "<" not in own.sub("", page), text
        assert all(re.match(r"https?:|mailto:", to, re.I) for to in re.findall(r'href="([^"]*)"', page)), text
        assert not re.search(r"<[^<>]*\s(?:on\w+|src|srcset|style=\"(?!text-align))", page), text


@pytest.mark.parametrize("source", LOADING)
def test_a_diagram_that_could_load_something_stays_code(source: str) -> None:
    """Mermaid lays it out in the page itself; seen with Streamlit 1.67 and no policy in the browser."""
    [piece] = with_diagrams(f"```mermaid\n{source}\n```\n")
    assert piece == f"```text\n{source}\n```\n"


@pytest.mark.parametrize("name", ["mermaid", "Mermaid x", "mer&#109;aid", "&#x6d;ermaid", "mermai&#100; y"])
@pytest.mark.parametrize("lead", ["", "- ", "> ", "1. "])
def test_no_diagram_is_drawn_by_the_reader_of_markdown(name: str, lead: str) -> None:
    """While an answer is written it is never a diagram; and its name cannot be spelled so that only the reader sees it."""
    text = f"a\n\n{lead}```{name}\ngraph TD\n"
    live = LiveDrawing()
    pieces = [piece for letter in text for piece in live.feed(letter)] + live.close()
    joined = "".join(piece for piece in pieces if isinstance(piece, str))
    stored = [piece for block in drawn(text + "```\n") for piece in with_diagrams(block)]
    for said in (joined, *(piece for piece in stored if isinstance(piece, str))):
        assert not re.search(r"(?:```|~~~).*(?:mermaid|&)", said, re.I)


@pytest.mark.parametrize("source", SELF_CONTAINED)
def test_other_diagrams_are_drawn(source: str) -> None:
    assert list(with_diagrams(f"```mermaid\n{source}\n```\n")) == [Diagram(f"{source}\n")]


@pytest.mark.parametrize(
    "source", ["%%{" * 6_000, "@{shape:" * 2_000, "style \\" * 2_500, "---\n" * 4_900, "@ { " * 4_900]
)
def test_looking_at_a_diagram_is_quick(source: str) -> None:
    begun = time.process_time()
    list(with_diagrams(f"```mermaid\n{source}\n```\n"))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("kind", list(BOMBS))
def test_the_first_part_of_a_bomb_is_light(kind: str) -> None:
    part = first_part(BOMBS[kind], PART)
    assert 0 < weight(part) <= PART
    assert BOMBS[kind].startswith(part)
