"""The report in Markdown, read by a reader of GitHub's dialect: tables whole, pictures there, formulas as
they were, and text stays text."""

from __future__ import annotations

import itertools
import re

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from small_folder import write_folder

from optlab.escape import markdown_alt, markdown_math, markdown_text
from optlab.report import render
from optlab.report.blocks import (
    Animation,
    Cell,
    Figures,
    Fold,
    Formula,
    Heading,
    Link,
    Notes,
    Part,
    Picture,
    Pre,
    Section,
    Table,
    Text,
)
from optlab.report.markdown import tidy
from optlab.report.publish import Page, publish
from optlab.rules import REGISTRY
from optlab.worked import formulas

HOSTILE = (
    "<script>alert(1)</script> | a $b$ and $c$ \"q\" 'r' `c` ``d`` **e** _f_ [g](javascript:h) ![i](j) "
    "& &lt; &#35; {{ 7 * 7 }} @name #1 GH-2 o/r#3 <!-- k --> --> www.example.com http://example.com "
    "a@example.com ~~l~~ :tada: \\* \\\\ </details> [^1] שלום עולם \u202egnp " + "long" * 60
)
BREAKS = "one\n\n# two\n- three\n\n```\n| four | \n<!--"


def reader() -> MarkdownIt:
    """GitHub's dialect: tables, struck text, addresses that become links by themselves."""
    made = MarkdownIt("gfm-like")
    made.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    return made


def shown(line: str) -> str:
    """The text that a reader sees of one paragraph; nothing but spans may be in it."""
    html = reader().render(line)
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {"p", "span"}, html
    text = re.sub(r"</?(?:p|span)>", "", html).strip()
    for code, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(code, sign)
    return text


def tables(text: str) -> list[tuple[int, list[int]]]:
    """Each table: its columns, and the cells of each row below the head."""
    found: list[tuple[int, list[int]]] = []
    head = False
    for token in reader().parse(text):
        if token.type == "table_open":
            found.append((0, []))
        elif token.type in ("thead_open", "tbody_open"):
            head = token.type == "thead_open"
        elif token.type == "tr_open" and not head:
            found[-1][1].append(0)
        elif token.type == "th_open":
            found[-1] = (found[-1][0] + 1, found[-1][1])
        elif token.type == "td_open":
            found[-1][1][-1] += 1
    return found


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "- a", "+ b", "1. c", "12) d", "---", "- - -", "===", "# e", "#7", "> f", "    g", "```", "~~~",
     "| h | i |", "<b>", "*j*", "__k__", "a*b*c", "@l", "-0.5", "1.5", "x www.m.de", "\\", "$", "&amp;", ":n:",
     "[o]: p", "http://q.de/r_s_t", "<http://u.de>", "v@w.de"],
)  # fmt: skip
def test_text_is_shown_as_it_is(text):
    wanted = " ".join(text.replace("\u202e", "\ufffd").split())
    assert shown(markdown_text(text)) == wanted
    html = reader().render(f"![{markdown_alt(text)}](x.svg)")
    assert html.count("<") == 3  # a paragraph with one picture, nothing else
    [row] = tables(f"| a | b |\n| --- | --- |\n| {markdown_text(text)} | 1 |")
    assert row == (2, [2])


def test_what_github_makes_of_a_text_is_kept_from_it():
    text = markdown_text(HOSTILE)
    html = reader().render(text)
    for broken in ("@name", "#1", "GH-2", "#3", ":tada:"):
        assert broken in HOSTILE
        assert broken not in html  # a tag stands within
    # GitHub looks for formulas in what stands between tags, others in the source.
    assert "$" not in text
    assert all(piece.count("$") <= 1 for piece in re.split(r"<[^>]*>", html))


def every_formula() -> list[str]:
    own = [
        r"\begin{cases} a_1 & b \\ c_2 & d \end{cases}",
        r"\left\{ \hat{m}_t, \hat{v}_t \right\} \, \|x\|_2 * y_{i}*z < |w| \; [a](b) \text{a_b} \% \#",
        r"\bar{x}_{t}^{*} _{a} \_ `c` ~ $d$",
    ]
    return own + [latex for rule in REGISTRY.values() if rule.form for latex in formulas(rule.form)]


@pytest.mark.parametrize("latex", every_formula())
def test_a_formula_is_the_same_before_and_after_markdown(latex):
    """GitHub reads Markdown first: it must find nothing in a formula."""
    written = markdown_math(latex)
    assert re.fullmatch(r"\$[^$\s](?:[^$]*[^$\s])?\$", written)
    assert shown(written) == written
    assert "|" not in written
    assert written.count("{") == written.count("}")


def block_table(rows, head, **more):
    return Table("Caption", head, [("", rows)], **more)


def hostile_page() -> Page:
    h = HOSTILE + BREAKS
    rows = [[Cell(h, h, verdict=h), Cell(latex=("a_1", "|b|")), Cell(r"\hat{x}_t", math=True)]] * 3
    svg = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    pictures = [Picture(f"figures/a {i} (b).svg", svg, h) for i in range(2)]
    blocks = [
        Text(h), Heading(h), Notes([h, h]), Figures(pictures, h, h, h), Formula("x_t = |y|"),
        Table(h, [h, h, ""], [(h, rows), ("", rows[:1]), (h, [])], frozenset({1}), "", h, h, h),
        Pre(h), Link(h, "a b.txt", "c"), Fold(h, [Text(h), block_table(rows, ["1", "2", "3"])], True),
        Text("end"),
    ]  # fmt: skip
    sections = [Section("a", h, blocks), Section("b", "Moving", [Animation({}, h)])]
    return Page(
        title=h, name=h, line=h, answer=[h, h, h], parts=[Part("p", h, sections)], question=h,
        headline=h, warnings=[{"text": h}], words=h,
    )  # fmt: skip


def test_a_page_of_hostile_text_is_a_page(tmp_path):
    publish(tmp_path, hostile_page())
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    tokens = reader().parse(text)
    assert_levels(tokens)
    # Tables: three groups of one and one in a fold, all of three columns.
    assert tables(text) == [(3, [3] * 3), (3, [3]), (3, []), (3, [3] * 3)]
    tags = inline_tags(tokens)
    assert tags <= {"br", "sub", "/sub", "span", "/span"}
    raw = "".join(token.content for token in tokens if token.type == "html_block")
    assert set(re.findall(r"</?[a-z]+", raw)) == {
        "<details", "</details", "<summary", "</summary", "<span", "</span",
    }  # fmt: skip
    links = [t for token in tokens for t in token.children or () if t.type == "link_open"]
    addresses = {link.attrs["href"] for link in links}
    stem = next(iter((tmp_path / "tables").glob("*.csv"))).stem
    assert addresses == {"a%20b.txt", f"tables/{stem}.csv", f"tables/{stem}.tex"}
    assert pictures_of(tokens) == {"figures/a%200%20%28b%29.svg", "figures/a%201%20%28b%29.svg"}
    [fence] = [token.content for token in tokens if token.type == "fence"]
    assert fence.strip() == (HOSTILE + BREAKS).replace("\u202e", "\ufffd")
    assert "Moving" not in text  # nothing of it can be read
    end = [t for t in tokens if t.type == "inline" and t.content == "end"]
    assert len(end) == 1  # nothing before swallowed it


def assert_levels(tokens):
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels


def inline_tags(tokens):
    inner = [t.content for token in tokens for t in token.children or () if t.type == "html_inline"]
    return {tag.strip("<>") for tag in inner}


def pictures_of(tokens):
    return {t.attrs["src"] for token in tokens for t in token.children or () if t.type == "image"}


@pytest.mark.parametrize(
    "made",
    [
        {},
        pytest.param({"tune": 0, "evaluate": 1}, marks=pytest.mark.slow),
        pytest.param({"threshold": None}, marks=pytest.mark.slow),
    ],
    ids=["usual", "one seed", "no target"],
)
@pytest.mark.slow
def test_a_report_is_the_page_again(tmp_path, made):
    folder = write_folder(tmp_path / "r", **made)
    render(folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    tokens = reader().parse(text)
    assert_levels(tokens)
    assert inline_tags(tokens) <= {"br", "sub", "/sub", "span", "/span"}
    # Its headings are those of the page.
    page = (folder / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'<h[23]><span id="[a-z-]+-title">([^<]*)</span>', page)
    heads = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
    wanted = [title.replace("&#39;", "'").replace("&amp;", "&") for title in ids]
    assert [markdown_text(title) for title in wanted] == [h for h in heads if h in
            {markdown_text(title) for title in wanted}]  # fmt: skip
    # Each picture and file that it leads to is there.
    links = {
        t.attrs["href"] for token in tokens for t in token.children or () if t.type == "link_open"
    }
    assert pictures_of(tokens)
    for file in pictures_of(tokens) | links:
        assert (folder / file).is_file(), file
    # As many rows as the page has, and each as long as its head.
    counted = tables(text)
    assert all(cells == columns for columns, rows in counted for cells in rows)
    named = dict(page_tables(page))
    for csv in (folder / "tables").glob("*.csv"):
        assert len(pd.read_csv(csv)) == named[csv.stem], csv
    assert sum(len(rows) for _, rows in counted) == sum(n for _, n in page_tables(page))


def page_tables(page):
    """Name and rows of each table of a page; a group's heading is no row of it."""
    for name, body in re.findall(r'<table(?: data-name="([^"]*)")?>(.*?)</table>', page, re.DOTALL):
        yield name, len(re.findall(r"<tr>", body)) - 1 - len(re.findall(r'class="group"', body))


def test_what_stands_between_fences_stays():
    text = "a  \n\n\n\nb\n```\nc  \n\n\n\nd\n```\n\n\n\ne\n\n"
    assert tidy(text) == "a\n\nb\n```\nc  \n\n\n\nd\n```\n\ne\n"
    assert tidy("````\n```\n\n\n\n````\n\n\n\na") == "````\n```\n\n\n\n````\n\na\n"
