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
    <span class="versions" role="group" aria-label="Versions of this answer">
      <button type="button" class="before" aria-label="Previous version" title="Previous version">chevron_left</button>
      <span class="which"></span>
      <button type="button" class="after" aria-label="Next version" title="Next version">chevron_right</button>
    </span>
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
.actions, .versions { display: inline-flex; align-items: center; gap: 0.125rem; }
.line:empty + .actions { margin-left: -0.375rem; }
button {
  font-family: "Material Symbols Rounded"; font-size: 1.05rem; line-height: 1; font-feature-settings: "liga";
  width: 1.75rem; height: 1.75rem; padding: 0; border: 0; border-radius: var(--st-base-radius);
  background: transparent; color: inherit; cursor: pointer; overflow: hidden;
}
button:hover { background: var(--st-secondary-background-color); color: var(--st-text-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button:disabled { opacity: 0.35; cursor: default; background: none; }
[hidden] { display: none !important; }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const at = (name) => parentElement.querySelector(name);
  at(".line").textContent = data.line;
  at(".line").title = data.detail;
  const copy = at(".copy"), again = at(".again");
  copy.hidden = !data.copy;
  again.hidden = !data.again;
  at(".versions").hidden = data.of < 2;
  at(".which").textContent = `${data.version}/${data.of}`;
  at(".before").disabled = data.version <= 1;
  at(".after").disabled = data.version >= data.of;
  at(".before").onclick = () => setTriggerValue("turn", -1);
  at(".after").onclick = () => setTriggerValue("turn", 1);
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
    *,
    key: str,
    line: str,
    detail: str,
    copy_url: str | None,
    version: int,
    of: int,
    on_again: Callable[[], None] | None,
    on_turn: Callable[[int], None],
) -> None:
    """Draw the line; `detail` is its tooltip. `version` of `of` answers to the same question is shown (from 1).

    `on_again` None hides that button; `on_turn` gets -1 or 1 when another version is asked for.
    """
    _footer(
        key=key,
        data={
            "line": line,
            "detail": detail,
            "copy": copy_url,
            "again": on_again is not None,
            "version": version,
            "of": of,
        },
        on_again_change=on_again or _nothing,
        on_turn_change=lambda: on_turn(int(st.session_state[key].turn)),
        height="content",
    )


def _nothing() -> None:
    """The component wants a callback for its trigger even while the button is hidden."""
