"""What a model, a gateway or a file may write in order to run something in the page that shows it.

Every payload calls `__hit(n)` with its own number when it gets to run: see `seen_by` in `watching.py`, which is
listening. `@` stands for that call, `@64` for a script with it in base64, `@ENT` for a `javascript:` address of it
spelled in entities.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import product

SCRIPTS = (
    "<script>@</script>", "<SCRIPT>@</SCRIPT>", "<script\n>@</script\n>", "<script/x>@</script>",
    "<script src=\"data:text/javascript,@\"></script>", "<script type=module>@</script>",
    "<scr<script>ipt>@</scr</script>ipt>", "<script>@//", "<script\x0c>@</script>", "<script async>@</script>",
    "</textarea><script>@</script>", "</title><script>@</script>", "--><script>@</script><!--",
    "]]><script>@</script>", "\"><script>@</script>", "'><script>@</script>", "</style><script>@</script>",
    "</script><script>@</script>", "<!--><script>@</script>-->", "<![CDATA[<script>@</script>]]>",
    "<noscript><p title=\"</noscript><script>@</script>\">", "<xmp></xmp><script>@</script>", "<b><script>@</script></b>",
    "<div>\n\n<script>@</script>\n\n</div>", "<table><script>@</script></table>", "&lt;script&gt;@&lt;/script&gt;",
    "&#60;script&#62;@&#60;/script&#62;", "\\<script\\>@\\</script\\>", "\uff1cscript\uff1e@\uff1c/script\uff1e",
    "<script>eval(atob('@64JS'))</script>",
)  # fmt: skip

_HANDLERS = (
    ("img src=x", "onerror"), ("img src=/x id=a", "onerror"), ("image src=x", "onerror"), ("img srcset=x", "onerror"),
    ("svg", "onload"), ("svg/", "onload"), ("body", "onload"), ("video src=x", "onerror"), ("audio src=x", "onerror"),
    ("video><source", "onerror"), ("input autofocus", "onfocus"), ("select autofocus", "onfocus"),
    ("textarea autofocus", "onfocus"), ("button autofocus", "onfocus"), ("a href=# autofocus", "onfocus"),
    ("div tabindex=1 autofocus", "onfocus"), ("details open", "ontoggle"), ("marquee", "onstart"),
    ("object data=x:x", "onerror"), ("embed src=x:x", "onerror"), ("iframe src=about:blank", "onload"),
    ("link rel=stylesheet href=x:", "onerror"), ("style", "onload"), ("script src=x:", "onerror"),
    ("div", "onclick"), ("button", "onclick"), ("p contenteditable", "onclick"), ("label", "onclick"),
    ("svg><animate attributeName=x dur=1s", "onbegin"), ("svg><set attributeName=x dur=1s", "onbegin"),
    ("math><mi", "onclick"), ("form><button", "onclick"), ("custom-tag", "onclick"), ("h1", "onclick"),
    ("div style=animation-name:rotate;animation-duration:1s", "onanimationstart"),
)  # fmt: skip
_SPELLINGS = ("<{tag} {on}=@>", '<{tag} {on}="@">', "<{tag} x='>' {ON} = '@' >")


def _handlers() -> Iterator[str]:
    for at, (tag, on) in enumerate(_HANDLERS):
        yield _SPELLINGS[0].format(tag=tag, on=on)
        yield _SPELLINGS[1 + at % 2].format(tag=tag, on=on, ON=on.upper())


VECTORS = (
    "<svg><script>@</script></svg>", "<svg><script href=\"data:text/javascript,@\" />", "<svg><a xlink:href=\"javascript:@\"><text y=20>x</text></a></svg>",
    "<svg><a><animate attributeName=href values=javascript:@ /><text y=20>x</text></a></svg>", "<svg><foreignObject><body onload=@></foreignObject></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>@</script>'></iframe></foreignObject></svg>", "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='@'/></svg>#x\"/></svg>",
    "<svg><style><img src=x onerror=@></style></svg>", "<svg><desc><img src=x onerror=@></desc></svg>", "<svg><title><img src=x onerror=@></title></svg>",
    "<svg><image href=x onerror=@ /></svg>", "<svg onload=@ xmlns=\"http://www.w3.org/2000/svg\"/>", "<svg><handler xmlns:ev=\"http://www.w3.org/2001/xml-events\" ev:event=load>@</handler></svg>",
    "<math><mtext><img src=x onerror=@></mtext></math>", "<math href=\"javascript:@\">x</math>", "<math><maction actiontype=\"statusline#x\" xlink:href=\"javascript:@\">x</maction></math>",
    "<math><annotation-xml encoding=\"text/html\"><img src=x onerror=@></annotation-xml></math>", "<math><mi xlink:href=\"data:text/html,<script>@</script>\">x</mi></math>",
    "<iframe srcdoc=\"<script>@</script>\"></iframe>", "<iframe srcdoc='&lt;script&gt;@&lt;/script&gt;'></iframe>", "<iframe src=\"javascript:@\"></iframe>", "<iframe src=\"data:text/html,<script>@</script>\"></iframe>",
    "<iframe src=\"data:text/html;base64,@64\"></iframe>", "<IFRAME SRC=\"jAvAsCrIpT:@\"></IFRAME>", "<iframe/src=\"java&#9;script:@\"></iframe>", "<frameset><frame src=\"javascript:@\"></frameset>",
    "<object data=\"data:text/html,<script>@</script>\"></object>", "<object data=\"javascript:@\"></object>", "<object type=text/html data=\"data:text/html;base64,@64\"></object>",
    "<embed src=\"data:text/html,<script>@</script>\">", "<embed src=\"javascript:@\">", "<embed type=image/svg+xml src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='@'/>\">",
    "<portal src=\"javascript:@\">", "<meta http-equiv=refresh content=\"0;url=javascript:@\">", "<meta http-equiv=refresh content=\"0;url=data:text/html,<script>@</script>\">",
    "<base href=\"javascript:/a/-@///////\"><a href=../x>x</a>", "<form action=\"javascript:@\"><button>x</button></form>", "<form><button formaction=\"javascript:@\">x</button></form>",
    "<form id=f></form><button form=f formaction=\"javascript:@\">x</button>", "<form action=javascript:@><input type=submit value=x></form>", "<form><input type=image formaction=javascript:@ src=x></form>",
    "<isindex action=\"javascript:@\" type=submit>", "<a href=\"javascript:@\">x</a>", "<a href=\" javascript:@\">x</a>", "<a href=\"&#1;javascript:@\">x</a>", "<a href=\"java\nscript:@\">x</a>", "<a href=\"@ENT\">x</a>",
    "<a href=\"vbscript:@\">x</a>", "<a href=\"data:text/html,<script>@</script>\" target=_blank>x</a>", "<a href=javascript&colon;@>x</a>", "<a href=\"javascript&#58;@\">x</a>", "<area href=\"javascript:@\">", "<map name=m><area href=javascript:@ shape=default></map><img usemap=#m src=x>",
    "<style>@import 'javascript:@';</style>", "<div style=\"background:url(javascript:@)\">x</div>", "<div style=\"width:expression(@)\">x</div>", "<div style=\"-moz-binding:url(data:text/xml,@)\">x</div>",
    "<style>*{x:expression(@)}</style><img src=x onerror=@>", "<link rel=import href=\"data:text/html,<script>@</script>\">", "<link rel=stylesheet href=\"javascript:@\">",
    "<template><img src=x onerror=@></template>", "<template shadowrootmode=open><img src=x onerror=@></template>", "<div><template shadowrootmode=open><script>@</script></template></div>",
    "<template><script>@</script></template><script>document.body.append(document.querySelector('template').content)</script>", "<slot name=x><img src=x onerror=@></slot>",
    "<details><summary>x</summary><img src=x onerror=@></details>", "<details open ontoggle=\"@\"><summary onclick=@>x</summary></details>", "<dialog open onclose=@><form method=dialog><button>x</button></form></dialog>",
    "<button popovertarget=p>x</button><div id=p popover onbeforetoggle=@>y</div>", "<input type=hidden oncontentvisibilityautostatechange=@ style=content-visibility:auto>", "<div oncontentvisibilityautostatechange=@ style=display:block;content-visibility:auto>x</div>",
)  # fmt: skip

MUTATIONS = (
    "<noscript><style></noscript><img src=x onerror=@>", "<svg></p><style><a id=\"</style><img src=1 onerror=@>\">", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=@&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=@>", "<svg><p><style><g title=\"</style><img src=x onerror=@>\">", "<a id=\"--><img src=x onerror=@>\">", "<!--[if gte IE 4]><script>@</script><![endif]-->",
    "<div id=\"\"><img src=x onerror=@>\">", "<listing>&lt;img src=x onerror=@&gt;</listing><img src=x onerror=@>", "<select><style></select><img src=x onerror=@></style>", "<option><style></option></select><img src=x onerror=@></style>",
    "<xmp><p title=\"</xmp><svg onload=@>\">", "<iframe><p title=\"</iframe><img src=x onerror=@>\">", "<noembed><p title=\"</noembed><img src=x onerror=@>\">", "<noframes><p title=\"</noframes><img src=x onerror=@>\">",
    "<plaintext><img src=x onerror=@>", "<textarea><p title=\"</textarea><img src=x onerror=@>\">", "<title><p title=\"</title><img src=x onerror=@>\">", "<svg><![CDATA[><img src=x onerror=@>]]>", "<?xml version=\"1.0\"?><img src=x onerror=@>",
    "<?php ><img src=x onerror=@>?>", "<![x><img src=x onerror=@>", "</ ><img src=x onerror=@>", "<!x --><img src=x onerror=@>", "<%<img src=x onerror=@>%>", "<a `=\"`<img src=x onerror=@>`\">", "`<img src=x onerror=@>", "``<b>`<img src=x onerror=@>",
    "<img\x00src=x onerror=@>", "<img src=x\x0bonerror=@>", "<img/src=x/onerror=@//", "<img src=x onerror\x0c=@>", "<<img src=x onerror=@>", "<img src='x'onerror='@'>", "<img src=x:x onerror=\"&#95;&#95;hit(@N)\">", "<b <img src=x onerror=@>",
)  # fmt: skip

_SCHEMES = (
    "javascript:@", "JaVaScRiPt:@", "vbscript:@", "data:text/html,<script>@</script>", "data:text/html;base64,@64", "javascript&colon;@", "&#106;avascript:@", "java\\script:@", "%6Aavascript:@", "javascript://x%0A@",
)  # fmt: skip
_LINKS = (
    "[x]({})", "[x](<{}>)", "[x]({} \"t\")", "<{}>", "[x][r]\n\n[r]: {}", "![x]({})", "[![x](y)]({})", "[x]: {}\n\n[x]", "| a |\n|---|\n| [x]({}) |", "[*x*]({})",
)  # fmt: skip


def _links() -> Iterator[str]:
    for (at, link), (place, scheme) in product(enumerate(_LINKS), enumerate(_SCHEMES)):
        if (at + place) % 2 == 0 or not at or not place:  # each with each would only be more of the same
            yield link.format(scheme)


MARKDOWN = (
    "[x](javascript:@)[y](javascript:@)", "[a](http://ok.example/\"onmouseover=@)", "[a](http://ok.example/' onclick='@)", "![a](http://ok.example/\" onerror=\"@)", "![\" onerror=\"@](x)", "[\" onclick=\"@](x)",
    "http://ok.example/\"onclick=\"@", "http://ok.example/<img src=x onerror=@>", "<http://ok.example/\"onclick=@>", "www.ok.example/<script>@</script>", "a@b.example\"onclick=\"@", "[^1]\n\n[^1]: <img src=x onerror=@>",
    "note[^<img src=x onerror=@>]\n\n[^<img src=x onerror=@>]: x", "| <img src=x onerror=@> | b |\n|---|---|\n| <script>@</script> | c |", "| a |\n|:-:\" onload=@|\n| b |", "# <img src=x onerror=@>", "> <img src=x onerror=@>", "- <img src=x onerror=@>",
    "1. <script>@</script>", "**<img src=x onerror=@>**", "~~<svg onload=@>~~", "`<img src=x onerror=@>`", "    <img src=x onerror=@>", "```\"><img src=x onerror=@>\ncode\n```", "```html\n<script>@</script>\n```", "~~~<script>@</script>\nx\n~~~",
    "<details>\n<summary>x</summary>\n\n<img src=x onerror=@>\n\n</details>", "- [ ] <img src=x onerror=@>", "term\n: <img src=x onerror=@>", "***<img src=x onerror=@>***\n===", "<!-- -->\n<img src=x onerror=@>", "*[x]: <img src=x onerror=@>\n\nx",
    "[toc]\n\n[TOC]: javascript:@", "{% raw %}<img src=x onerror=@>{% endraw %}", "{::nomarkdown}<img src=x onerror=@>{:/}", "x{: onclick=\"@\"}", "{.x onclick=@}", "# x {#y onclick=@}", "[x](http://ok.example){onclick=@}", ":::{.x onclick=@}\nx\n:::",
)  # fmt: skip

FORMULAS = (
    "$\\href{javascript:@}{x}$", "$$\\href{javascript:@}{x}$$", "\\(\\url{javascript:@}\\)", "$\\htmlClass{x\" onclick=\"@}{x}$", "$\\htmlStyle{background:url(javascript:@)}{x}$", "$\\htmlData{a=\"><img src=x onerror=@>}{x}$", "$\\htmlId{x\" onclick=\"@}{x}$",
    "$\\includegraphics[alt=\"<img src=x onerror=@>\"]{x}$", "$\\text{<img src=x onerror=@>}$", "$$\n\\text{<script>@</script>}\n$$", "\\[\\unicode{<img src=x onerror=@>}\\]", "$\\def\\x{\\href{javascript:@}{y}}\\x$", "$<img src=x onerror=@>$", "$\\color{red;background:url(javascript:@)}{x}$",
)  # fmt: skip

DIRECTIVES = (
    ":red[<img src=x onerror=@>]", ":color[x]{onclick=\"@\"}", ":color[x]{background=\"url(javascript:@)\"}", ":color[x]{foreground=\"red;background:url(x)\" onload=@}", ":span[x]{onclick=@}", "::img{src=x onerror=@}", ":::div{onclick=@}\nx\n:::",
    ":a[x]{href=\"javascript:@\"}", "::iframe{srcdoc=\"<script>@</script>\"}", "::script[@]", ":material/<img src=x onerror=@>:", ":material/home:<svg onload=@>", ":streamlit:<img src=x onerror=@>", ":rainbow[[x](javascript:@)]", ":blue-badge[![x](javascript:@)]",
    ":small[<script>@</script>]", ":shimmer[[x](data:text/html,<script>@</script>)]", ":help[x]{text=\"<img src=x onerror=@>\"}", ":red[:blue[<svg/onload=@>]]", ":style[x]{onload=@}", "::html{value=\"<img src=x onerror=@>\"}", ":violet-background[x]{style=\"x:expression(@)\" onclick=@}",
    "```mermaid\ngraph TD\nA[\"<img src=x onerror=@>\"] --> B\n```", "```mermaid\ngraph TD\nA-->B\nclick A \"javascript:@\"\n```", "```mermaid\ngraph TD\nA-->B\nclick A call __hit(@N)\n```", "```mermaid\ngraph TD\nA-->B\nclick A href \"javascript:@\" _self\n```",
    "```mermaid\n%%{init: {\"securityLevel\": \"loose\", \"htmlLabels\": true}}%%\ngraph TD\nA[\"<script>@</script>\"]\n```", "```mermaid\nsequenceDiagram\nA->>B: <img src=x onerror=@>\n```", "```mermaid\nclassDiagram\nclass A[\"<svg onload=@>\"]\n```", "- x\n  ```mermaid\n  graph TD\n  A[\"<img src=x onerror=@>\"]\n  ```",
    "```graphviz\ndigraph { a [label=<<img src=\"x\" onerror=\"@\"/>> URL=\"javascript:@\"] }\n```", "```vega-lite\n{\"mark\": \"text\", \"encoding\": {\"href\": {\"value\": \"javascript:@\"}}}\n```", "```html-preview\n<script>@</script>\n```", "```js run\n@\n```",
)  # fmt: skip

WORDS = (
    "\u202e<tpircs/>@<tpircs>", "<scr\u200bipt>@</scr\u200bipt>", "<\u00adscript>@</script>", "\ufeff<script>@</script>", "<img src=x on\u2060error=@>", "\u2028<script>@</script>", "\u2066<img src=x onerror=@>\u2069", "<\u0131mg src=x onerror=@>", "<\u017fcript>@</\u017fcript>", "\u226eimg src=x onerror=@>", "<img src=x onerror=\uff20@>", "\ud83d\ude00<img src=x onerror=@>",
    "\x1b]8;;javascript:@\x07x\x1b]8;;\x07", "\x00<script>@</script>", "__proto__", "constructor", "toString", "hasOwnProperty", "prototype.innerHTML=<img src=x onerror=@>", "__proto__[innerHTML]=<img src=x onerror=@>", "{{constructor.constructor('@')()}}", "${@}", "#{@}", "<%= @ %>", "{{7*7}}{{@}}", "[[${@}]]", "@{@}", "%{@}",
    "<script>postMessage({type:'streamlit:render',stCommVersion:1},'*');@</script>", "<img src=x onerror=\"parent.postMessage({stCommVersion:1,type:'SET_QUERY_PARAM'},'*');@\">", "<iframe srcdoc=\"<script>top.postMessage('SET_PAGE_TITLE','*');@</script>\">", "';@//", "\";@//", "`;@//", "</script><svg onload=@>", "*/@/*", "-->@", "\\u003cimg src=x onerror=@\\u003e", "\\x3cscript\\x3e@\\x3c/script\\x3e", "%3Cscript%3E@%3C/script%3E",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */@ )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=@//>\\x3e", "\"onclick=@//<button onclick=@//> */ @//", "'\"><img src=x onerror=@>//<!--", "javascript:@", "data:text/html,<script>@</script>", "=HYPERLINK(\"javascript:@\")", "<x onclick=@>x</x>\r\n\r\n<script>@</script>",
)  # fmt: skip


def _all() -> Iterator[str]:
    yield from SCRIPTS
    yield from _handlers()
    yield from VECTORS
    yield from MUTATIONS
    yield from _links()
    yield from MARKDOWN
    yield from FORMULAS
    yield from DIRECTIVES
    yield from WORDS


_KEPT = (("@import", "\ue000"), ("a@b", "\ue001"))


def armed(template: str, n: int) -> str:
    """The payload that calls `__hit(n)`."""
    call = f"__hit({n})"
    entities = "".join(f"&#{ord(letter)};" for letter in f"javascript:{call}")
    text = template.replace("@ENT", entities).replace("@N", str(n))
    text = text.replace("@64JS", base64.b64encode(call.encode()).decode())
    text = text.replace("@64", base64.b64encode(f"<script>{call}</script>".encode()).decode())
    for kept, place in _KEPT:
        text = text.replace(kept, place)
    text = text.replace("@", call)
    for kept, place in _KEPT:
        text = text.replace(place, kept)
    return text


INJECTIONS: tuple[str, ...] = tuple(armed(template, n) for n, template in enumerate(dict.fromkeys(_all())))
"""Payload n calls `__hit(n)`."""
