"""Refuses in templates what the content security policy blocks at run time, and forms that break a rule.

Run it from anywhere: it prints file:line and the reason for each find, and then fails.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# What is wrong wherever it stands, in templates and in app.js.
EVERYWHERE = {
    r"\bhx-on\b": "hx-on needs eval, which the policy forbids: listen in app.js",
    r"""(?<![\w-])js:""": "js: values need eval, which the policy forbids",
    r"javascript:": "no code in addresses",
    r"""["'(=]\s*data:""": "no data: URIs: the policy allows only files of ours",
}
IN_TEMPLATES = {
    r"\|\s*safe\b": "no |safe: what people typed must be escaped",
    r"\bautoescape\s+(?:false|False)\b": "autoescape stays on",
    r"<style\b": "no <style>: write it into site.css",
}
IN_TAGS = {
    r"\sstyle\s*=": "no style=: write a class into site.css",
    r"\son[a-z]+\s*=": "no on…= attributes: listen in app.js",
    r"\shref\s*=\s*[\"']#[\"']": 'no href="#": a link leads somewhere',
    r"\shx-trigger\s*=\s*[\"'][^\"']*\[": "a filter in hx-trigger needs eval",
    r"\shx-(?!get\b|post\b)[\w:-]+\s*=\s*[\"'][^\"']*{{(?!\s*panel\b)": "hx-* values are constant; only addresses vary",
}

# Written out, or by the macro posts_to of templates/api_keys/_macros.html.
POSTS = r"\smethod\s*=\s*[\"']post[\"']|\bposts_to\("
JINJA = re.compile(r"{#.*?#}|{{.*?}}|{%.*?%}", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
TAG = re.compile(r"""<([a-zA-Z][\w-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>""")


class Find(NamedTuple):
    path: Path
    line: int
    reason: str


def main() -> int:
    finds = sorted({find for path in files() for find in lint(path, path.read_text())})
    for path, line, reason in finds:
        print(f"{path.relative_to(ROOT)}:{line}: {reason}")
    return 1 if finds else 0


def files() -> list[Path]:
    # Mail is no page: it brings its styles along, since nothing else reaches a reader of mail.
    mail = ROOT / "templates" / "mail"
    found = (path for path in (ROOT / "templates").rglob("*") if mail not in path.parents)
    templates = [path for path in found if path.suffix in (".html", ".svg")]
    return [*templates, ROOT / "static" / "app.js"]


def lint(path: Path, text: str) -> Iterator[Find]:
    if path.suffix == ".js":
        return _search(path, text, EVERYWHERE)
    return _lint_template(path, _blank(COMMENT, text))


def _lint_template(path: Path, text: str) -> Iterator[Find]:
    yield from _search(path, text, EVERYWHERE | IN_TEMPLATES)
    # Blanked expressions cannot close a tag or a quote; the tag's own text is read from the original.
    for tag in TAG.finditer(_blank(JINJA, text)):
        name, source = tag[1].lower(), text[tag.start() : tag.end()]
        line = _line(text, tag.start())
        for pattern, reason in IN_TAGS.items():
            if re.search(pattern, source):
                yield Find(path, line, reason)
        if name == "script" and not re.search(r"\ssrc\s*=", source):
            yield Find(path, line, "no inline <script>: write it into app.js")
        if re.search(r"\shx-post\s*=", source) and not re.search(r"\saction\s*=", source):
            yield Find(path, line, "hx-post stands beside the action of a form, for those without JavaScript")
        if re.search(r"\shx-get\s*=", source) and name == "a" and not re.search(r"\shref\s*=", source):
            yield Find(path, line, "hx-get stands beside a href, for those without JavaScript")
        if re.search(r"\shx-(?:get|post)\s*=", source) and "hx-target" not in source:
            yield Find(path, line, "hx-get and hx-post name their hx-target: nothing is inherited")
        if name == "form" and re.search(POSTS, source, re.IGNORECASE):
            end = text.find("</form>", tag.end())
            if "csrf()" not in text[tag.end() : end if end != -1 else None]:
                yield Find(path, line, "a form that posts holds {{ csrf() }}")


def _search(path: Path, text: str, rules: dict[str, str]) -> Iterator[Find]:
    for pattern, reason in rules.items():
        for match in re.finditer(pattern, text):
            yield Find(path, _line(text, match.start()), reason)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The text with each match as blanks, so that positions and lines stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


if __name__ == "__main__":
    sys.exit(main())
