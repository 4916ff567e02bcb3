"""What Parlour uses of Streamlit beyond its documentation. When an upgrade breaks one of these, look here first."""

from __future__ import annotations

import inspect

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from lib.ui.answer_footer import show_footer
from lib.ui.streamlit_internals import RerunException, StopException, end_block, listens_at, session_is_alive
from lib.ui.transcript import footer_key


@pytest.mark.parametrize("ending", [RerunException, StopException])
def test_no_except_exception_swallows_the_end_of_a_run(ending: type[BaseException]) -> None:
    assert issubclass(ending, BaseException)
    assert not issubclass(ending, Exception)


def test_a_yielded_callable_ends_an_element() -> None:
    def script() -> None:
        import streamlit as st

        from lib.ui.streamlit_internals import end_block

        st.write_stream(iter(["one ", "and one", end_block, "two"]))

    assert [element.value for element in AppTest.from_function(script).run().markdown] == ["one and one", "two"]
    end_block()  # Streamlit calls it, and then writes on in a new element


def test_no_session_is_alive_where_none_is() -> None:
    assert session_is_alive() is False


@pytest.mark.parametrize(
    ("mode", "address", "seen"),
    [
        ("starlette-app", "127.0.0.1", "127.0.0.1"),
        ("starlette-app-direct", "0.0.0.0", "0.0.0.0"),
        ("starlette-managed", None, "::"),
        ("asgi-server", "127.0.0.1", None),
        (None, "127.0.0.1", None),
    ],
)
def test_where_streamlit_listens_is_known_and_where_another_server_does_is_not(
    mode: str | None, address: str | None, seen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "_server_mode", mode)
    monkeypatch.setattr(config, "get_option", lambda name: {"server.address": address}[name])
    assert listens_at() == seen


@pytest.mark.parametrize("option", ["runner.postScriptGC", "runner.fastReruns", "runner.magicEnabled"])
def test_the_options_of_the_runner_exist(option: str) -> None:
    assert isinstance(config.get_option(option), bool)


def test_a_run_can_end_where_the_session_state_is_touched() -> None:
    """A live answer relies on it: it touches the state at every beat, and pages elsewhere are not followed further."""
    from streamlit.runtime.state.safe_session_state import SafeSessionState

    assert "_yield_callback" in inspect.getsource(SafeSessionState.__contains__)


def test_parameters_the_pages_rely_on_exist() -> None:
    assert "submit_mode" in inspect.signature(st.chat_input).parameters
    assert "shortcut" in inspect.signature(st.button).parameters
    assert "type" in inspect.signature(st.expander).parameters


@pytest.mark.parametrize("public_id", ["plain", "a__b", "__", "-_-___", "ends_"])
def test_any_public_id_can_carry_a_footer(public_id: str) -> None:
    def script(key: str) -> None:
        from lib.ui.answer_footer import Footer, show_footer

        show_footer(key, Footer(line="a line"), lambda deed, value: None)

    run = AppTest.from_function(script, kwargs={"key": footer_key(public_id)}).run()
    assert not run.exception
    assert show_footer.__doc__


def test_footer_keys_differ_where_ids_do() -> None:
    ids = ["a_b", "a-b", "a__b", "ab", "a_-b"]
    assert len({footer_key(public_id) for public_id in ids}) == len(ids)
