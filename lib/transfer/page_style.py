"""The style of an exported page: one column, light and dark, and paper."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --text: #23282b; --page: #fff; --quiet: #5f676c; --tint: #f3f5f3; --line: #e3e6e3;
  --accent: #0f6b66; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e5e2; --page: #161819; --quiet: #9ea5a8; --tint: #202425; --line: #303537; --accent: #6fc3ba; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 1rem/1.6 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; }
h1 { font: 600 1.75rem/1.25 Georgia, "Noto Serif", serif; margin: 0 0 .5rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; margin-bottom: 1.5rem; }
header p, .line, .time, .other { color: var(--quiet); font-size: .85rem; margin: .25rem 0; }
article { margin: 0 0 1.75rem; }
.said + .line { margin-top: .5rem; }
article > h2 { font-size: .85rem; font-weight: 600; color: var(--quiet); margin: 0 0 .25rem; }
article > h2 .time { font-weight: 400; }
article.user .said { background: var(--tint); border-radius: .5rem; padding: .625rem 1rem; }
.said > :first-child { margin-top: 0; } .said > :last-child { margin-bottom: 0; }
.said h3, .said h4, .said h5, .said h6 { font: 600 1rem/1.35 Georgia, "Noto Serif", serif; margin: 1.25rem 0 .5rem; }
.said h3 { font-size: 1.3rem; } .said h4 { font-size: 1.15rem; }
.plain { white-space: pre-wrap; }
a { color: var(--accent); }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  overflow-x: auto; font: .84rem/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: normal; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; background: var(--tint); border-radius: .25rem;
  padding: .1em .3em; }
pre code { background: none; padding: 0; font: inherit; }
blockquote { margin: 0 0 1rem; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--quiet); }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 0 0 1rem; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
img { max-width: 100%; max-height: 30rem; border-radius: .5rem; display: block; margin: .5rem 0; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0; }
details { margin: 0 0 .75rem; color: var(--quiet); } summary { cursor: pointer; }
.noimage { color: var(--quiet); }
@media print {
  :root { --text: #000; --page: #fff; --quiet: #444; --tint: #f4f4f4; --line: #ccc; --accent: #000;
    color-scheme: light; }
  @page { margin: 18mm 16mm; }
  body { padding: 0; font-size: 10.5pt; } main { max-width: none; }
  pre, blockquote, table, img { break-inside: avoid; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  h1, h2, h3, h4 { break-after: avoid; }
  .said a[href^="http"]::after { content: " (" attr(href) ")"; font-size: .85em; color: var(--quiet); }
}
"""
