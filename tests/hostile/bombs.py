"""Markdown that is cheap to write and dear to draw: each kind of a megabyte, one line of five."""

from __future__ import annotations

MEGABYTE = 1_000_000


def _to(size: int, piece: str) -> str:
    return piece * (size // len(piece))


BOMBS: dict[str, str] = {
    "quotations in quotations": "\n".join(_to(2_000, ">") + " x" for _ in range(500)),
    "lists in lists": "\n".join("  " * (n % 400) + "- x" for n in range(2_500)),
    "brackets": _to(MEGABYTE, "["),
    "emphasis": _to(MEGABYTE, "*a_b**c__"),
    "a wide table": "|" + _to(2_000, "a|") + "\n|" + _to(2_000, "-|") + "\n" + _to(MEGABYTE, "|" + "b|" * 1_000 + "\n"),
    "a long table": "|a|b|\n|-|-|\n" + _to(MEGABYTE, "|**c**|`d`|\n"),
    "links": _to(MEGABYTE, "[a](https://ok.example/b) "),
    "fences": _to(MEGABYTE, "```py\nx = 1\n```\n\n"),
    "combining marks": _to(MEGABYTE // 2, "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324"),
    "one line of five megabytes": _to(5 * MEGABYTE, "word "),
    "footnotes": "".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(50_000)),
    "HTML in HTML": _to(MEGABYTE, "<div><b><table><tr><td>"),
    "formulas": _to(MEGABYTE, "$\\frac{\\frac{a}{b}}{\\sqrt{c}}$ "),
    "one code block": "```py\n" + _to(MEGABYTE, "def f(x): return {x: [x]}  # y\n") + "```\n",
}
