"""Pages as tests look at them: elements, texts and links."""

from html.parser import HTMLParser

_VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """A page as its elements, texts and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self._is_silent: list[bool] = []
        self._spoken: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in _VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)
            is_silent = tag in {"style", "script"} or attributes.get("aria-hidden") == "true"
            self._is_silent.append(is_silent or "hidden" in attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._is_silent.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))
        if not any(self._is_silent):
            self._spoken.append(data)

    @property
    def text(self) -> str:
        """Everything a reader can see or hear, with single spaces."""
        seen = [data for tag, data in self.texts if tag not in {"style", "script"}]
        return " ".join(" ".join(seen).split())

    @property
    def spoken(self) -> str:
        """What a screen reader says without a script, with single spaces."""
        return " ".join(" ".join(self._spoken).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.elements
            if name == tag and attributes.items() <= found.items()
        ]

    def inside(self, tag: str) -> list[str]:
        return [data for name, data in self.texts if name == tag]
