"""Every error has its own human sentence, and says what to do next where anything can be done."""

from __future__ import annotations

import pytest

from lib import errors
from lib.errors import KINDS, BadInput, GatewayError, NotFound, ParlourError, SettingsError
from lib.ui.notices import BY_KIND, Notice, notice_for, notice_for_kind, notice_for_test

CONNECTION_CODES = ("dns", "connect", "tls", "url", "closed")
URL_PROBLEMS = ("empty", "no_scheme", "bad_scheme", "no_host", "has_login", "bad_port")
KEY_PROBLEMS = ("empty", "too_short", "bad_characters", "unreadable", "needed_for_new_address")
NEEDS_ARGUMENTS = {
    SettingsError: SettingsError("field", "why"),
    GatewayError: GatewayError("server"),
    NotFound: NotFound("conversation"),
    BadInput: BadInput("whatever"),
}


EVERY_ERROR = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ParlourError)]
SOMETHING = notice_for(ParlourError())


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_every_error_has_a_sentence_of_its_own(error: type[ParlourError]) -> None:
    notice = notice_for(NEEDS_ARGUMENTS.get(error) or error())
    assert_readable(notice)
    assert error is ParlourError or notice != SOMETHING


def test_no_two_errors_share_a_sentence() -> None:
    said = [notice_for(NEEDS_ARGUMENTS.get(error) or error()).what for error in EVERY_ERROR]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence_and_a_next_step(kind: errors.Kind) -> None:
    notice = notice_for(GatewayError(kind))
    assert_readable(notice)
    assert notice.then
    assert notice_for_kind(kind) == notice


def test_no_two_kinds_share_a_sentence() -> None:
    assert len({BY_KIND[kind].what for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("code", CONNECTION_CODES)
def test_a_connection_that_fails_says_why(code: str) -> None:
    notice = notice_for(GatewayError("timeout", where="transport", code=code))
    assert_readable(notice)
    assert notice != notice_for_kind("timeout")


def test_a_code_from_the_gateway_is_not_mistaken_for_one_of_the_connection() -> None:
    assert notice_for(GatewayError("server", where="http", code="connect")) == notice_for_kind("server")


@pytest.mark.parametrize(
    ("field", "why"), [("base_url", why) for why in URL_PROBLEMS] + [("key", why) for why in KEY_PROBLEMS]
)
def test_every_mistake_in_the_gateway_form_has_a_sentence(field: str, why: str) -> None:
    notice = notice_for(SettingsError(field, why))
    assert_readable(notice)
    assert notice != notice_for(SettingsError("field", "why"))


def test_a_connection_test_never_speaks_of_a_model() -> None:
    assert "model" not in notice_for_test(GatewayError("not_found", status=404)).text
    assert notice_for_test(GatewayError("auth")) == notice_for_kind("auth")


def test_an_unknown_kind_from_an_older_database_still_says_something() -> None:
    assert_readable(notice_for_kind("a kind of tomorrow"))


def test_what_an_error_carries_is_never_shown_as_our_sentence() -> None:
    secret = "sk-should-not-be-seen"
    for error in (GatewayError("auth", secret), BadInput("no_model", secret), ParlourError(secret)):
        assert secret not in notice_for(error).text


def assert_readable(notice: Notice) -> None:
    assert notice.what[0].isupper()
    assert notice.what.endswith(".")
    assert not notice.then or notice.then.endswith(".")
    assert "_" not in notice.text
    assert notice.text.isprintable()
