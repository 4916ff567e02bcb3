"""The deep link for CC Switch: exactly its documented form, and every field comes out as it went in."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import Abilities, ModelCard
from lib.cc_switch import FIRST_CHOICE, Import, endpoint, first_choice, link, preview, takes_no_images
from lib.errors import BadInput
from lib.secret import Secret

BASE = "http://apillm.globalaiopc.com/gw_llm_power"
KEY = Secret("sk-a+b/c=")


def wanted(**changed: str) -> Import:
    four = dict.fromkeys(("main", "haiku", "sonnet", "opus"), FIRST_CHOICE)
    return Import(**{"program": "claude", "name": "My Claude", "base_url": BASE, **four, **changed})


def fields(made: str) -> dict[str, str]:
    """The parameters as CC Switch reads them; a `+` must not be needed for a space, nor become one."""
    parts = urlsplit(made)
    assert (parts.scheme, parts.netloc, parts.path) == ("ccswitch", "v1", "/import")
    assert "+" not in parts.query
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs), "no field is given twice"
    return dict(pairs)


def test_the_link_is_the_documented_one() -> None:
    assert link(wanted(), KEY).reveal() == (
        "ccswitch://v1/import?resource=provider&app=claude&name=My%20Claude"
        "&endpoint=http%3A%2F%2Fapillm.globalaiopc.com%2Fgw_llm_power&apiKey=sk-a%2Bb%2Fc%3D"
        "&model=gpt-5.4-low&haikuModel=gpt-5.4-low&sonnetModel=gpt-5.4-low&opusModel=gpt-5.4-low&enabled=true"
    )


def test_opencode_gets_one_model_and_the_address_of_chat_completions() -> None:
    found = fields(link(wanted(program="opencode"), KEY).reveal())
    assert found == {
        "resource": "provider",
        "app": "opencode",
        "name": "My Claude",
        "endpoint": BASE + "/v1",
        "apiKey": KEY.reveal(),
        "model": FIRST_CHOICE,
        "enabled": "true",
    }


def test_a_link_cannot_be_printed_by_accident() -> None:
    made = link(wanted(), KEY)
    assert "sk-a" not in f"{made} {made!r}"
    assert "ccswitch" not in f"{made} {made!r}"


def test_the_preview_is_the_link_without_the_key() -> None:
    quoted = "sk-a%2Bb%2Fc%3D"
    assert preview(wanted()) == link(wanted(), KEY).reveal().replace(quoted, "•••")


visible_key = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=80)
any_text = st.text(min_size=1, max_size=60)


@settings(max_examples=200)
@given(key=visible_key, name=st.text(max_size=120), models=st.tuples(any_text, any_text, any_text, any_text))
def test_every_field_comes_out_as_it_went_in(key: str, name: str, models: tuple[str, str, str, str]) -> None:
    given_models = [text.encode("utf-8", "replace").decode() for text in models]
    made = link(Import("claude", name, BASE, *models), Secret(key)).reveal()
    assert made.isascii()
    found = fields(made)
    assert (found["apiKey"], found["endpoint"]) == (key, BASE)
    assert [found[field] for field in ("model", "haikuModel", "sonnetModel", "opusModel")] == given_models
    assert found["name"].isprintable()
    assert 0 < len(found["name"]) <= 80


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a&apiKey=evil&endpoint=http://evil", "a&apiKey=evil&endpoint=http://evil"),
        ("name#fragment?x=%00", "name#fragment?x=%00"),
        ("two\nlines\r\n\ttabbed", "two lines tabbed"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("a\u0000b\ud800c", "abc"),
        ("网关 ✨", "网关 ✨"),
        ("  \u200b \u2028 ", "apillm.globalaiopc.com"),
        ("", "apillm.globalaiopc.com"),
        ("x" * 500, "x" * 80),
    ],
)
def test_a_hostile_name_is_only_a_name(hostile: str, shown: str) -> None:
    found = fields(link(wanted(name=hostile), KEY).reveal())
    assert found["name"] == shown
    assert found["apiKey"] == KEY.reveal()
    assert found["endpoint"] == BASE


def test_what_is_missing_has_its_reason() -> None:
    for call, reason in (
        (lambda: link(wanted(), Secret("")), "no_key"),
        (lambda: link(wanted(main=""), KEY), "no_model"),
        (lambda: preview(wanted(base_url="https://gw.example/api/v3")), "versioned_base"),
    ):
        with pytest.raises(BadInput) as caught:
            call()
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("base", "claude", "opencode"),
    [
        ("https://gw.example", "https://gw.example", "https://gw.example/v1"),
        ("https://gw.example/api/v3", None, "https://gw.example/api/v3"),
        ("https://gw.example/v1beta/openai", None, "https://gw.example/v1beta/openai"),
        ("https://gw.example/v2/team", "https://gw.example/v2/team", "https://gw.example/v2/team/v1"),
        ("https://v2.example", "https://v2.example", "https://v2.example/v1"),
        ("https://gw.example/a,http://evil", "https://gw.example/a%2Chttp://evil", "https://gw.example/a%2Chttp://evil/v1"),
    ],
)  # fmt: skip
def test_each_program_gets_the_address_it_adds_its_path_to(base: str, claude: str | None, opencode: str) -> None:
    assert endpoint("claude", base) == claude
    assert endpoint("opencode", base) == opencode


def test_the_choice_begins_with_the_budget_gpt_where_there_is_one() -> None:
    assert first_choice(["claude-opus-4-7", FIRST_CHOICE]) == 1
    assert first_choice(["claude-opus-4-7", "gpt-5.4"]) == 0
    assert first_choice([]) == 0


def test_gpt_takes_no_images_through_messages() -> None:
    gpt = ModelCard("gpt-9", "gpt-9", "gpt")
    assert takes_no_images(gpt)
    assert takes_no_images(ModelCard("c", "c", "claude", anthropic=Abilities(image=False)))
    assert not takes_no_images(ModelCard("c", "c", "claude", anthropic=Abilities(image=True)))
    assert not takes_no_images(ModelCard("c", "c", "claude"))
