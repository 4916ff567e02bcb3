"""Frames of `lib/reports` as tables in words: numbers stay numbers, so that sorting by a column sorts numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from lib.ui.cost_words import cost_words
from lib.ui.usage_charts_cells import (
    amount,
    constant,
    effective,
    rate_cell,
    share_cell,
    signed_amount,
    styled,
    time_cell,
)
from lib.ui.usage_charts_heat import pace_words
from lib.ui.usage_words import (
    MISSING_WORDS,
    PURPOSE_WORDS,
    STATUS_WORDS,
    STEP_MEANINGS,
    STEP_WORDS,
    Names,
)


def course_table(frame: pd.DataFrame, currency: str, name: Callable[[str], str]) -> Any:
    """The numbers behind the spending chart, buckets that had requests only, newest first."""
    table = frame[frame["requests"] > 0].sort_values(["bucket", "cost_nano"], ascending=False, ignore_index=True)
    shown = pd.DataFrame(
        {
            "Time": [bucket.replace("T", " ") + (":00" if "T" in bucket else "") for bucket in table["bucket"]],
            "Name": [name(key) for key in table["key"]],
            "Requests": table["requests"],
            "Tokens": table["tokens"],
            "Spend": table["cost_nano"],
            "Estimated": table["estimated"],
            "Unpriced": table["unpriced"],
        }
    )
    return styled(shown, {"Spend": amount(currency)}, whole=("Requests", "Tokens", "Estimated", "Unpriced"))


def models_table(frame: pd.DataFrame, currency: str, names: Names) -> Any:
    """`reports.models` in words."""
    shown = pd.DataFrame(
        {
            "Model": [names.model(base) for base in frame["base"]],
            "Variant": [names.variant(variant) for variant in frame["variant"]],
            "Spend": frame["cost_nano"],
            "Share": frame["share"],
            "Per 1M tokens": frame["per_m"],
            "Requests": frame["requests"],
            "Tokens in": frame["tokens_in"],
            "Tokens out": frame["tokens_out"],
            "First words": frame["first_p50"],
            "Whole answer": frame["whole_p50"],
            "Slowest 5 %": frame["whole_p95"],
            "Tokens/s": frame["rate"],
            "Errors": frame["errors"],
            "Stops": frame["stops"],
            "Estimated": frame["estimated"],
            "Unpriced": frame["unpriced"],
            "Gateway": [names.gateway(gateway) for gateway in frame["gateway"]],
        }
    )
    words = {
        "Spend": amount(currency),
        "Share": share_cell,
        "Per 1M tokens": effective(currency),
        "Tokens/s": rate_cell,
    }
    words |= dict.fromkeys(("First words", "Whole answer", "Slowest 5 %"), time_cell)
    whole = ("Requests", "Tokens in", "Tokens out", "Errors", "Stops", "Estimated", "Unpriced")
    return styled(shown, words, whole=whole)


def options_table(frame: pd.DataFrame, currency: str, names: Names) -> Any:
    """`reports.options` in words: what a model's requests would have cost on each of its variants."""
    shown = pd.DataFrame(
        {
            "Model": [names.model(base) for base in frame["base"]],
            "Variant": [names.variant(variant) for variant in frame["variant"]],
            "It cost": frame["now_nano"],
            "Would cost": frame["nano"],
            "Saving": frame["saving"],
            "Ran there": frame["current"],
            "Requests": frame["requests"],
            "Note": [_note(row) for row in frame.to_dict("records")],
        }
    )
    words = {
        "It cost": amount(currency),
        "Would cost": amount(currency),
        "Saving": signed_amount(currency),
        "Ran there": share_cell,
    }
    return styled(shown, words, whole=("Requests",))


def _note(row: Mapping[Any, Any]) -> str:
    notes = [MISSING_WORDS[row["missing"]]] if row["missing"] else []
    notes += ["Cache price assumed"] if row["assumed"] else []
    notes += [f"{row['left_out']:,} unpriced left out"] if row["left_out"] else []
    return ", ".join(notes + ([f"{row['estimated']:,} estimated"] if row["estimated"] else []))


def steps_table(frame: pd.DataFrame, currency: str) -> Any:
    """`reports.steps` in words."""
    shown = pd.DataFrame(
        {
            "Reason": [STEP_WORDS[name] for name in frame["name"]],
            "Amount": frame["nano"],
            "Meaning": [STEP_MEANINGS.get(name, "") for name in frame["name"]],
        }
    )
    words = [
        amount(currency)(nano) if kind == "whole" else signed_amount(currency)(nano)
        for nano, kind in zip(frame["nano"], frame["kind"], strict=True)
    ]
    styler = styled(shown, {}, whole=())
    for row, text in enumerate(words):
        styler = styler.format({"Amount": constant(text)}, subset=pd.IndexSlice[[row], ["Amount"]])
    return styler


def changes_table(rows: Sequence[tuple[str, str, int, int]], currency: str) -> Any:
    """(model, variant, before, now) in words, in nano-units."""
    columns = ["Model", "Variant", "Before", "Now"]
    shown = pd.DataFrame(rows, columns=columns)
    shown["Change"] = shown["Now"] - shown["Before"]
    words = {"Before": amount(currency), "Now": amount(currency), "Change": signed_amount(currency)}
    return styled(shown, words, whole=())


def forecast_table(frame: pd.DataFrame, currency: str) -> Any:
    """`reports.forecast_days` in words."""
    shown = frame.copy()
    shown.columns = pd.Index(["Until", "Spent", "At least", "Expected", "At most"])
    return styled(shown, dict.fromkeys(("Spent", "At least", "Expected", "At most"), amount(currency)), whole=())


def chats_table(frame: pd.DataFrame, currency: str) -> Any:
    """`reports.chats` in words."""
    rows = frame.to_dict("records")
    shown = pd.DataFrame(
        {
            "Chat": [_chat_words(row) for row in rows],
            "Spend": frame["cost_nano"],
            "Requests": frame["requests"],
            "Per request": frame["each_nano"],
            "Tokens in": frame["tokens_in"],
            "From cache": frame["cached"],
            "Tokens out": frame["tokens_out"],
            "Unpriced": frame["unpriced"],
            "Last asked": frame["last"],
        }
    )
    words = {"Spend": amount(currency), "Per request": amount(currency), "From cache": share_cell}
    return styled(shown, words, whole=("Requests", "Tokens in", "Tokens out", "Unpriced"))


def _chat_words(row: Mapping[Any, Any]) -> str:
    if row["conversation"] is None:
        return "A chat that was deleted"
    title = row["title"] or "Untitled"
    return f"{title} (in the trash)" if row["deleted"] else title


def projects_table(frame: pd.DataFrame, currency: str, what: str, rest: str) -> Any:
    """`reports.projects` in words; `rest` is what lies in none."""
    shown = pd.DataFrame(
        {
            what: [name if key else rest for key, name in zip(frame["key"], frame["name"], strict=True)],
            "Spend": frame["cost_nano"],
            "Chats": frame["conversations"],
            "Requests": frame["requests"],
            "Unpriced": frame["unpriced"],
        }
    )
    return styled(shown, {"Spend": amount(currency)}, whole=("Chats", "Requests", "Unpriced"))


def parts_table(frame: pd.DataFrame, currency: str, what: str, name: Callable[[Any], str]) -> Any:
    """`reports.parts` in words."""
    shown = pd.DataFrame(
        {
            what: [name(key) for key in frame["key"]],
            "Spend": frame["cost_nano"],
            "Share": frame["share"],
            "Requests": frame["requests"],
            "Unpriced": frame["unpriced"],
        }
    )
    words = {"Spend": amount(currency), "Share": share_cell}
    return styled(shown, words, whole=("Requests", "Unpriced"))


def anatomy_table(frame: pd.DataFrame, names: Names, kinds: Mapping[str, str]) -> Any:
    """`reports.anatomy` in words, a column per kind."""
    wide = frame.pivot_table(index="key", columns="kind", values="tokens", aggfunc="sum", sort=False)
    shown = pd.DataFrame({"Model": [names.model(str(key)) for key in wide.index]})
    for kind, words in kinds.items():
        shown[words] = wide[kind].to_numpy() if kind in wide else 0
    return styled(shown, {}, whole=tuple(kinds.values()))


def caching_table(frame: pd.DataFrame, currency: str, names: Names) -> Any:
    """`reports.caching` in words."""
    shown = pd.DataFrame(
        {
            "Model": [names.model(key) for key in frame["key"]],
            "From cache": frame["hit"],
            "Read": frame["read"],
            "Written": frame["written"],
            "Saved by reading": frame["saved_nano"],
            "Extra for writing": frame["premium_nano"],
            "Together": frame["net_nano"],
        }
    )
    words: dict[str, Any] = {"From cache": share_cell, "Together": signed_amount(currency)}
    words |= dict.fromkeys(("Saved by reading", "Extra for writing"), amount(currency))
    return styled(shown, words, whole=("Read", "Written"))


def hours_table(frame: pd.DataFrame, names: Names) -> Any:
    """`reports.hour_heat` in words, the hours that had requests."""
    table = frame[frame["requests"] > 0].reset_index(drop=True)
    shown = pd.DataFrame(
        {
            "Variant": [names.variant(key) for key in table["key"]],
            "Hour": [f"{hour:02}:00" for hour in table["hour"]],
            "Requests": table["requests"],
            "First words": table["first_ms"],
            "Tokens/s": table["rate"],
            "Errors": table["error_share"],
        }
    )
    words = {"First words": time_cell, "Tokens/s": rate_cell, "Errors": lambda value: pace_words(value, "errors")}
    return styled(shown, words, whole=("Requests",))


def outcomes_table(frame: pd.DataFrame, currency: str, names: Names) -> Any:
    """`reports.outcomes` in words."""
    shown = pd.DataFrame({"Variant": [names.variant(key) for key in frame["key"]], "Requests": frame["requests"]})
    for outcome, words in STATUS_WORDS.items():
        shown[words] = frame[outcome]
    shown["Went wrong"] = frame["error_share"]
    shown["Spent on that"] = frame["lost_nano"]
    whole = ("Requests", *STATUS_WORDS.values())
    return styled(shown, {"Went wrong": share_cell, "Spent on that": amount(currency)}, whole=whole)


def requests_table(frame: pd.DataFrame, names: Names) -> Any:
    """`reports.latest` in words."""
    shown = pd.DataFrame(
        {
            "Time": frame["at"],
            "Cost": frame["cost_nano"],
            "Model": [names.model(base) for base in frame["base"]],
            "Variant": [names.variant(variant) for variant in frame["variant"]],
            "Status": [STATUS_WORDS.get(outcome, outcome) for outcome in frame["outcome"]],
            "Purpose": [PURPOSE_WORDS.get(purpose, purpose) for purpose in frame["purpose"]],
            "Tokens in": frame["tokens_in"],
            "Tokens out": frame["tokens_out"],
            "First words": frame["first_visible_ms"],
            "Whole answer": frame["duration_ms"],
            "Gateway": frame["gateway"],
            "How it is known": [
                cost_words(row["source"], row["usage_source"], not pd.isna(row["cost_nano"]))
                for row in frame.to_dict("records")
            ],
        }
    )
    times = dict.fromkeys(("First words", "Whole answer"), time_cell)
    return styled(shown, times, whole=("Tokens in", "Tokens out"), costs=list(frame["currency"]))
