"""What the theme file cannot say, in a few rules that touch only our own keyed containers."""

from __future__ import annotations

import streamlit as st

_RULES = """
<style>
  /* Rows of the sidebar read from the left; Streamlit centres every button's label. */
  .st-key-conversations button, .st-key-new-chat button { justify-content: flex-start; text-align: left; }
  .st-key-conversations button, .st-key-new-chat button, .st-key-places a { padding-inline: 0.5rem; }
  .st-key-places a { min-height: 2rem; padding-block: 0.25rem; }
  .st-key-conversations button { min-height: 2rem; padding-block: 0.1rem; }
  .st-key-conversations button > div, .st-key-conversations button > div > span {
    width: 100%; min-width: 0; justify-content: flex-start;
  }
  .st-key-conversations [data-testid="stCaptionContainer"] { padding: 0.6rem 0.5rem 0.1rem; }
  .st-key-find-go, .st-key-chat-search [data-testid="InputInstructions"] { display: none; }  /* Enter does it */
  .st-key-found [data-testid="stMarkdown"] p { font-size: 0.875rem; }
  .st-key-found button { min-height: 1.5rem; padding-block: 0; text-align: left; }
  .st-key-conversations button p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .st-key-new-chat button > div, .st-key-new-chat button > div > span { width: 100%; }
  .st-key-new-chat kbd { margin-left: auto; }
  /* A conversation is text in one column: no avatars, a tint for what the user said. */
  [data-testid^="stChatMessageAvatar"] { display: none; }
  [data-testid="stChatMessage"] { padding-inline: 0; background: none; }
  [data-testid="stChatMessage"]:has(> [aria-label="Chat message from user"]) {
    padding: 0.625rem 1rem; background: color-mix(in srgb, currentColor 5%, transparent);
  }
  /* Parts that only listen take no room. */
  .st-key-keys, .st-key-keeper, .st-key-rows, .st-key-leave {
    position: absolute; width: 0; height: 0; overflow: hidden;
  }
  .st-key-keyboard button { min-height: 2rem; padding-inline: 0.5rem; opacity: 0.75; }
  /* What can be done with the user's words floats over the lower edge, when it is looked for. */
  [data-testid="stChatMessage"]:has(> [aria-label="Chat message from user"]) { position: relative; }
  [class*="st-key-asked-"] {
    position: absolute; right: 0.75rem; bottom: -1rem; width: auto; z-index: 2; opacity: 0; transition: opacity 0.1s;
  }
  [data-testid="stChatMessage"]:hover [class*="st-key-asked-"], [class*="st-key-asked-"]:focus-within,
  [class*="st-key-asked-of-"] { opacity: 1; }
  @media (hover: none) { [class*="st-key-asked-"] { opacity: 1; } }
  /* Quiet words, and the chosen of several, in what can be read: 4.5 to 1 and more. (A popover is
     outside of the element that knows whether the page is dark, so nothing here may ask.) */
  [data-testid="stCaptionContainer"], [data-testid="stMarkdownContainer"] blockquote,
  [data-testid="stExpander"] summary [data-testid="stMarkdownContainer"] {
    color: inherit; opacity: 0.75;
  }
  [data-testid="stExpander"] summary { opacity: 1; }
  body button[data-variant][data-selected="true"][data-rac] { color: inherit; }
  /* Streamlit's own CSV of a table does not guard against formulas; ours does. */
  [data-testid="stElementToolbarButton"]:has([aria-label^="Download as CSV"]) { display: none; }
  /* Streamlit's colours of code are too pale to read; the same hues, darker on light and lighter on dark. */
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .comment, .prolog, .cdata, .doctype
  ) { color: light-dark(#5f676c, #9ea5a8); }
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .keyword, .function, .selector, .attr-name, .atrule, .important
  ) { color: light-dark(#0b5fa8, #6cb6ff); }
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .string, .char, .attr-value, .boolean, .constant, .symbol, .inserted
  ) { color: light-dark(#18702f, #6fd08c); }
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .number
  ) { color: light-dark(#0b6f66, #5fd0c2); }
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .property, .variable, .parameter
  ) { color: light-dark(#00688a, #5cc4ea); }
  [data-testid="stApp"] [data-testid] pre code .token:is(
    .decorator, .annotation, .regex, .class-name, .builtin
  ) { color: light-dark(#9a4a07, #f5a266); }
  /* A part of a chart in which nothing is drawn yet is nothing to announce. */
  :is([data-testid="stMetric"], [data-testid="stVegaLiteChart"]) g[role]:empty { display: none; }
  /* A diagram that cannot be drawn gives way to its source. */
  [class*="st-key-diagram-"]:not(:has([data-testid="stMermaidError"])) > :has([data-testid="stCode"]),
  [class*="st-key-diagram-"]:has([data-testid="stMermaidError"]) [data-testid="stMermaidChart"],
  [class*="st-key-diagram-"]:has([data-testid="stMermaidError"]) [data-testid="stPopover"] { display: none; }
  /* Every paragraph runs in the direction of its own first letter. */
  [data-testid="stChatMessageContent"] :is(p, li, td, th, h1, h2, h3, h4, h5, h6, blockquote) {
    unicode-bidi: plaintext; text-align: start;
  }
  /* An open quiet button is drawn in a darkened accent, which on a dark page cannot be seen. */
  [data-testid="stPopoverButton"][aria-expanded="true"], [data-testid="stPopover"] button[aria-expanded="true"] {
    color: inherit;
  }
</style>
"""


def apply_look() -> None:
    """Add the rules to the page."""
    st.html(_RULES)
