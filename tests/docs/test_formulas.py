"""Formulas as MathML."""

from xml.etree import ElementTree

import pytest
from formulas import NAMESPACE, keep_punctuation, mathml

NAME = f"{{{NAMESPACE}}}"


@pytest.mark.parametrize("accent", ["dot", "check", "hat", "bar"])
def test_the_index_of_an_accented_letter_stands_beside_it(accent):
    (index,) = ElementTree.fromstring(mathml(rf"\{accent} x_1")).iter(f"{NAME}msub")
    base, number = index
    assert base.tag == f"{NAME}mover" and base[0].text == "x" and number.text == "1"


def test_the_limits_of_a_sum_stay_below_and_above_it():
    (total,) = ElementTree.fromstring(mathml(r"\sum_{i=1}^n x_i", as_block=True)).iter(f"{NAME}munderover")
    assert total[0].text == "∑" and total[2].text == "n"


def test_characters_that_only_html_names_are_kept_and_signs_stay_escaped():
    tree = ElementTree.fromstring(mathml(r"a < b \& \| x \|"))
    assert "<" in "".join(tree.itertext())


def test_the_bars_of_a_norm_do_not_stretch_and_those_of_left_and_right_do():
    bars = ElementTree.fromstring(mathml(r"\|f - v\|^2")).iter(f"{NAME}mo")
    assert [bar.get("stretchy") for bar in bars if bar.text == "‖"] == ["false", "false"]
    bars = ElementTree.fromstring(mathml(r"\frac{x}{\|f\|^2}")).iter(f"{NAME}mo")
    assert [bar.get("stretchy") for bar in bars if bar.text == "‖"] == ["false", "false"]
    bars = ElementTree.fromstring(mathml(r"\left\|\frac{a}{b}\right\|")).iter(f"{NAME}mo")
    assert [bar.get("stretchy") for bar in bars if bar.text == "‖"] == [None, None]


@pytest.mark.parametrize(
    ("tex", "parts"), [(r"\frac12(x)", "12"), (r"\tfrac14 x", "14"), (r"\frac h2 x", "h2"), (r"\frac1N", "1N")]
)
def test_fractions_need_no_braces(tex, parts):
    (fraction,) = ElementTree.fromstring(mathml(tex)).iter(f"{NAME}mfrac")
    assert ["".join(part.itertext()).strip() for part in fraction] == list(parts)


@pytest.mark.parametrize("dots", [r"\dots", r"\ldots", "…"])
def test_dots_are_shown_however_they_are_written(dots):
    assert "…" in "".join(ElementTree.fromstring(mathml(f"k = 0, 1, {dots}")).itertext())


@pytest.mark.parametrize("size", ["big", "Big", "bigg", "Bigg"])
def test_large_brackets_need_not_say_their_side(size):
    shown = ElementTree.fromstring(mathml(rf"\{size}(x + \{size}[y\{size}]\{size})"))
    assert "".join("".join(shown.itertext()).split()) == "(x+[y])"


def test_a_power_without_a_base_is_named():
    with pytest.raises(ValueError, match=r"\^\{-1\}"):
        mathml("^{-1}")


def test_a_formula_that_cannot_be_shown_is_named():
    with pytest.raises(ValueError, match="notacommand"):
        mathml(r"x + \notacommand")


@pytest.mark.parametrize(("tex", "spaces"), [(r"4\sin^2 x", 1), (r"T\log(x)", 1), (r"\cos x", 0), ("ab", 0)])
def test_a_factor_and_a_function_are_apart(tex, spaces):
    assert len([*ElementTree.fromstring(mathml(tex)).iter(f"{NAME}mspace")]) == spaces


def test_punctuation_stays_on_the_line_of_its_formula():
    held = '<p>near <span style="white-space: nowrap"><math>v</math>,</span> not at it</p>'
    assert keep_punctuation("<p>near <math>v</math>, not at it</p>") == held
    assert keep_punctuation("<math>a</math> and <math>b</math>") == "<math>a</math> and <math>b</math>"
