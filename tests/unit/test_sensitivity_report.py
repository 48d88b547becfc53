"""What a sensitivity study says, at the terminal and on its page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from model.loading import SHIPPED, Loaded, load
from model.sensitivity import study, tables
from model.sensitivity.bootstrap import Trust
from model.sensitivity.factors import CHANCE, Factor
from model.sensitivity.study import Row, Study
from model.wanted import Wanted
from report import sensitivity as words
from report import sensitivity_page, terminal
from report.sensitivity_answer import Told, answer, parts_in, share, signed
from report.sensitivity_figures import figure

STARTER = SHIPPED / "starter.yaml"
MONEY = Wanted("npv", "all", None, "USD/year")
DIM, EFFECT = (Factor(name, (name,), "other", "fact") for name in ("dim", "effect"))
LUCK = Factor(CHANCE, (), CHANCE, "chance")


@pytest.fixture(scope="module")
def starter() -> Loaded:
    return load(STARTER)


def made(method: study.Method, rows: list[Row], leading: int = 1, **more: object) -> Told:
    judged = Trust(leading, 0.1, False, 1000, 4000)
    found = Study(MONEY, method, rows, judged, 10.0, 1.0, 1000, 100)
    return Told(found._replace(**more), {}, {}, {})  # type: ignore[arg-type]


def said(t: Told) -> str:
    return " ".join(answer(t))


# --- how much is claimed


@pytest.mark.parametrize("method", ["pawn", "delta", "regional"])
def test_noise_has_no_winner(method: study.Method) -> None:
    """The largest of twelve numbers without influence, and no scatter of it."""
    x = np.random.default_rng(1).random((13, 200))
    varied = [Factor(f"x{k}", (f"x{k}",), "other", "fact") for k in range(12)]
    values = {f"x{k}": column for k, column in enumerate(x)}
    found = tables.of_draws(MONEY, method, varied, values, x[12], 200, 1)
    t = Told(found, {}, {}, {})
    assert answer(t)[0].startswith("Nothing can be told apart from accident with 200 draws")
    assert "most" not in said(t)
    assert "vconcat" not in figure(t)


def test_of_two_that_are_level_neither_is_called_first() -> None:
    rows = [Row(EFFECT, 0.5, 0.3, 0.7), Row(DIM, 0.48, 0.3, 0.7)]
    t = made("pawn", rows, leading=0, inert=0.2)
    assert "Which matters most cannot be said yet: effect" in said(t)
    assert "What matters most is" not in said(t)
    assert "What matters most is effect (0.50" in said(made("pawn", rows, inert=0.2))


def test_shares_are_at_most_all_and_have_their_intervals() -> None:
    rows = [
        Row(LUCK, 1.07, 0.9, 1.2, (1.05, 0.8, 1.3)),
        Row(EFFECT, 0.3, 0.2, 0.4, (0.32, 0.1, 0.5)),
    ]
    told = said(made("sobol", rows, alone=(1.37, 0.9, 1.8)))
    assert "(100 % of the variance, 90 % interval 90 % to 100 %)" in told
    assert "these samples do not tell (alone: 90 % interval 90 % to 100 %)" in told
    assert "107" not in told
    assert "Nearly all of the variance is what numbers make alone" in said(
        made("sobol", rows, alone=(1.0, 0.97, 1.03))
    )
    assert "the rest is what they do together" in said(made("sobol", rows, alone=(0.7, 0.6, 0.8)))
    assert [parts_in(x) for x in (0.58, 0.12, 0.02, 1.07)] == [
        "About 6 parts in 10", "About 1 part in 10", "About 2 parts in 100", "Nearly all",
    ]  # fmt: skip
    assert (share(1.07), share(-0.02)) == ("100 %", "0 %")


def test_what_would_do_is_said_of_what() -> None:
    """4,000 runs for 1,000 of 100 samples: 400, of Sobol the next power of two."""
    rows = [Row(EFFECT, 0.5, 0.3, 0.7, (0.5, 0.3, 0.7)), Row(DIM, 0.1, 0.0, 0.2, (0.1, 0.0, 0.2))]
    shares = said(made("sobol", rows))
    assert "About 5,200 (--samples 512) would do, so that each of the leading shares" in shares
    changes = said(made("morris", rows))
    assert "About 4,000 (--samples 400) would do" in changes
    assert "within 5 % of the largest" in changes


def test_a_tornado_tells_facts_and_levers_apart(starter: Loaded) -> None:
    [found] = study.run(starter, "tornado", ["npv:society"], 8)
    [t] = words.told(starter, [found])
    first, second, *_ = answer(t)
    assert first.startswith("What matters most of the facts")
    assert "effect on hospital stays" in first
    assert second.startswith("Of what can be decided, changed by 20 % each way")
    assert "posts" in second
    assert len(figure(t)["vconcat"]) == 2
    posts = next(r for r in found.rows if r.factor.name.endswith("staff.posts"))
    assert t.span(posts) == "3.2 to 4.8 posts"
    assert t.basis(posts.factor) == "assumption"
    assert "rest on assumptions" in said(t)


def test_what_never_moves_says_why_and_what_does() -> None:
    """In the plain case no money flows differently through the backbone."""
    jackson = load(SHIPPED / "jackson.yaml")
    [found] = study.run(jackson, "tornado", ["npv:backbone"], 4)
    told = said(words.told(jackson, [found])[0])
    assert "is $0 in every run" in told
    assert "the strategy changes nothing of it compared to usual care" in told
    assert "--output closing_gap:backbone" in told


def test_morris_tells_no_mean_of_its_design(starter: Loaded) -> None:
    [found] = study.run(starter, "morris", ["npv:society"], 6)
    [t] = words.told(starter, [found])
    assert words.spread(found) == ""
    assert words.as_json(t)["mean"] is None
    assert "mean -$" not in screen([t], 100)


def test_intervals_of_few_samples_are_not_trusted() -> None:
    rows = [Row(EFFECT, 0.9, 0.9, 0.9, (0.9, 0.9, 0.9)), Row(DIM, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0))]
    assert "4 base samples are few: the intervals" in said(made("sobol", rows, samples=4))
    assert "are few" not in said(made("sobol", rows, samples=64))


# --- how it looks


def screen(told: list[Told], width: int) -> str:
    out = io.StringIO()
    words.show(told, "starter", terminal.console(out, width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("method", ["tornado", "sobol", "morris", "regional"])
def test_no_number_is_cut(starter: Loaded, method: study.Method, width: int) -> None:
    samples = {"tornado": 4, "sobol": 16, "morris": 6}.get(method, 100)
    found = study.run(starter, method, ["npv:society"], samples)
    [t] = words.told(starter, found)
    shown = screen([t], width)
    assert max(map(len, shown.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    for row in found[0].rows:
        if not words.nothing(found[0], row):
            assert all(cell in shown for cell in words.cells(found[0], row))


def test_rows_of_nothing_are_folded() -> None:
    rows = [Row(EFFECT, 5.0, 4.0, 6.0), *[Row(DIM, 0.0, 0.0, 0.0)] * 3]
    found = made("morris", rows).study
    shown, others = words.folded(found, rows)
    assert (len(shown), others) == (1, "3 others: nothing")
    many = [Row(EFFECT, 5.0, 4.0, 6.0)] * 20
    assert words.folded(found, many)[1] == ("8 more: all are on the page and in sensitivity.csv")


def test_changes_have_a_sign() -> None:
    found = made("tornado", []).study
    assert [signed(found, x) for x in (1.2e6, -800.0, 0.001)] == ["+$1.20M", "-$800", "$0"]


def test_a_minus_keeps_its_number() -> None:
    assert sensitivity_page.minus("back-fill: -$2.51M to 5-95 %") == (
        "back-fill: \N{MINUS SIGN}\N{WORD JOINER}$2.51M to 5-95\N{NO-BREAK SPACE}%"
    )
    assert str(sensitivity_page.said("<b> --samples 64")).startswith("&lt;b&gt; <code")


def test_the_page_says_what_rests_on_assumptions(starter: Loaded, tmp_path: Path) -> None:
    found = study.run(starter, "tornado", ["npv:society"], 4)
    sensitivity_page.write(words.told(starter, found), starter, tmp_path / "out")
    html = (tmp_path / "out" / "sensitivity.html").read_text(encoding="utf-8")
    assert f"<h1>{starter.scenario.title}: what matters to net present value: society" in html
    assert '<td class="weak">assumption</td>' in html
    assert "3.2 to 4.8 posts" in html
    table = (tmp_path / "out" / "sensitivity.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].endswith(",basis")
    assert len(table) == 1 + len(found[0].rows)
