"""The line below an answer with its two actions. One element instead of four widgets, so long chats stay light.

Copy fetches the stored text by its id and puts exactly that on the clipboard; nothing of it is in the page twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

_HTML = """
<div class="footer">
  <span class="line"></span>
  <span class="actions">
    <button type="button" class="copy" aria-label="Copy answer" title="Copy">content_copy</button>
    <button type="button" class="again" aria-label="Answer again" title="Answer again">refresh</button>
  </span>
</div>
"""

_CSS = """
.footer {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem;
  font-family: var(--st-font); font-size: 0.8rem; line-height: 1.5;
  color: color-mix(in srgb, var(--st-text-color) 62%, transparent);
  font-variant-numeric: tabular-nums;
}
.actions { display: inline-flex; gap: 0.125rem; }
.line:empty + .actions { margin-left: -0.375rem; }
button {
  font-family: "Material Symbols Rounded"; font-size: 1.05rem; line-height: 1; font-feature-settings: "liga";
  width: 1.75rem; height: 1.75rem; padding: 0; border: 0; border-radius: var(--st-base-radius);
  background: transparent; color: inherit; cursor: pointer; overflow: hidden;
}
button:hover { background: var(--st-secondary-background-color); color: var(--st-text-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button[hidden] { display: none; }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const at = (name) => parentElement.querySelector(name);
  at(".line").textContent = data.line;
  at(".line").title = data.detail;
  const copy = at(".copy"), again = at(".again");
  copy.hidden = !data.copy;
  again.hidden = !data.again;
  again.onclick = () => setTriggerValue("again", true);
  copy.onclick = async () => {
    try {
      const answer = await fetch(data.copy, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      await navigator.clipboard.writeText(await answer.text());
      copy.textContent = "check";
      copy.title = "Copied";
    } catch {
      copy.textContent = "error";
      copy.title = "Copying is not possible here";
    }
    setTimeout(() => { copy.textContent = "content_copy"; copy.title = "Copy"; }, 1500);
  };
}
"""

_footer: Any = st.components.v2.component("parlour_answer_footer", html=_HTML, css=_CSS, js=_JS)


def answer_footer(
    *, key: str, line: str, detail: str, copy_url: str | None, on_again: Callable[[], None] | None
) -> None:
    """Draw the line; `detail` is its tooltip. `on_again` None hides the button."""
    _footer(
        key=key,
        data={"line": line, "detail": detail, "copy": copy_url, "again": on_again is not None},
        on_again_change=on_again or _nothing,
        height="content",
    )


def _nothing() -> None:
    """The component wants a callback for its trigger even while the button is hidden."""
