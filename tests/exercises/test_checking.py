"""The public names: what a notebook has answered is remembered, told in one line, and exported."""

import json

import numpy as np
import pytest

import decoupling_lib as dl
from decoupling_lib.exercises import checking
from decoupling_lib.exercises.feedback import Feedback
from decoupling_lib.exercises.sheet import Sheet, describe_answer


@pytest.fixture(autouse=True)
def sheet(monkeypatch) -> Sheet:
    """Give each test a sheet of its own."""
    monkeypatch.setattr(checking, "_sheet", Sheet())
    return checking._sheet


def exported(path, **options) -> dict[str, dict]:
    """Return the exported exercises by number."""
    dl.export_answers(path, **options)
    content = json.loads(path.read_text("utf-8"))
    return {exercise["number"]: exercise for lesson in content["lessons"] for exercise in lesson["exercises"]}


def lift(A, r):
    return A.T @ np.linalg.solve(A @ A.T, r)


def test_progress_counts_what_is_right_and_names_what_is_left():
    assert "no exercise" in dl.progress().message
    dl.check("1.1", ...)
    assert "0 of 5" in dl.progress().message and "not answered yet: 1.1, 1.2, 1.3, 1.4, 1.5" in dl.progress().message
    dl.check("1.1", 2)
    dl.check("1.3", 1, 1)
    dl.check("1.5", "The lift depends only on where it is, not on its aim.")
    line = repr(dl.progress())
    assert "2 of 5" in line and "not right yet: 1.3" in line and "not answered yet: 1.2, 1.4." in line
    assert "\n" not in line


def test_a_right_answer_is_not_undone_by_what_is_tried_later(tmp_path):
    dl.check("1.4", 1.55)
    dl.check("1.4", ...)
    assert exported(tmp_path / "a.json")["1.4"]["state"] == "right"
    later = dl.check("1.4", 3)
    assert later.status == "wrong" and "earlier answer" in later.message
    assert "1 of 5" in dl.progress().message and "not right yet" not in dl.progress().message
    found = exported(tmp_path / "a.json")["1.4"]
    assert (found["state"], found["answers"], found["tries"]) == ("right", ["1.55"], 2)
    dl.check("1.4", 3)
    dl.check("1.4", 1.5492)
    found = exported(tmp_path / "a.json")["1.4"]
    assert (found["state"], found["answers"], found["tries"]) == ("right", ["1.5492"], 3)


def test_a_wrong_answer_is_replaced_by_the_next_one(tmp_path):
    assert "earlier" not in dl.check("1.4", 3).message + dl.check("1.4", 4).message
    found = exported(tmp_path / "a.json")["1.4"]
    assert (found["state"], found["answers"], found["tries"]) == ("wrong", ["4"], 2)


def test_an_explanation_is_replaced_by_a_longer_one_and_not_by_a_word(tmp_path):
    texts = "The lift depends only on where it is.", "The lift depends only on where the point is, not on its aim."
    for text in texts:
        dl.check("1.5", text)
    dl.check("1.5", "Because.")
    found = exported(tmp_path / "a.json")["1.5"]
    assert (found["state"], found["answers"], found["tries"]) == ("recorded", [texts[1]], 3)


def test_a_mistyped_name_is_not_judged_by_an_old_value(tmp_path):
    """As in a notebook: the exercise's cell resets the name, and the student assigns another one."""
    cell = 'exponent = ...\n{line}\nfeedback = dl.check("1.1", exponent)'
    names = {"dl": dl}
    for line, status in (("exponent = 3", "wrong"), ("exponnt = 2", "unanswered"), ("exponent = 2", "right")):
        exec(cell.format(line=line), names)
        assert names["feedback"].status == status


def test_the_export_has_each_exercise_with_state_tries_hints_and_answers(tmp_path):
    for answer in (3, 3, 1, 2):
        dl.check("1.1", answer)
    dl.hint("1.2")
    dl.hint("1.2")
    dl.check("1.2", lift)
    dl.check("1.3", 0.25, np.float32(0.5))
    dl.check("1.5", "  El levantamiento no sabe adónde va: sólo dónde está.\n")
    found = exported(tmp_path / "a.json", student="Ada")
    assert found["1.1"] == {"number": "1.1", "state": "right", "tries": 3, "hints": 0, "answers": ["2"]}
    assert found["1.2"]["hints"] == 2 and "np.linalg.solve" in found["1.2"]["answers"][0]
    assert found["1.3"]["state"] == "wrong" and found["1.3"]["answers"] == ["0.25", "0.5"]
    assert found["1.4"] == {"number": "1.4", "state": "not answered", "tries": 0, "hints": 0, "answers": []}
    assert found["1.5"]["state"] == "recorded"
    assert found["1.5"]["answers"] == ["El levantamiento no sabe adónde va: sólo dónde está."]
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (content["student"], content["lessons"][0]["title"]) == ("Ada", "Gradient systems")


def test_any_answer_can_be_exported(tmp_path):
    class Unshown:
        def __str__(self):
            raise RuntimeError

    for value in (Unshown(), "\ud800", "x" * 10**6, np.zeros((2000, 2000)), len, lambda: 0, int, [np.nan], {1: 2}):
        dl.check("1.1", value)
        assert len(exported(tmp_path / "a.json")["1.1"]["answers"][0]) < 50_000


def test_an_array_is_exported_with_its_digits():
    third = np.array([1 / 3])
    assert float(describe_answer(third).strip("[]")) == pytest.approx(1 / 3, abs=1e-8)
    assert float(describe_answer(1 / 3)) == 1 / 3


@pytest.mark.parametrize("name", ["a.ipynb", "a", "a.txt"])
def test_an_export_does_not_replace_a_file_of_another_kind(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(dl.InputError, match="json"):
        dl.export_answers(tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"


def test_an_export_into_a_folder_that_does_not_exist_is_refused_in_one_line(tmp_path):
    with pytest.raises(dl.InputError) as refused:
        dl.export_answers(tmp_path / "none" / "a.json")
    assert "\n" not in str(refused.value)


def test_a_message_is_readable_without_color_and_safe_as_html():
    texts = set()
    for status in ("right", "wrong", "recorded", "unanswered", "note"):
        bundle = Feedback("Exercise <1>", status, "a < b & c")._repr_mimebundle_()
        assert "a &lt; b &amp; c" in bundle["text/html"] and "<1>" not in bundle["text/html"]
        assert "a < b & c" in bundle["text/plain"]
        texts.add(bundle["text/plain"])
    assert len(texts) == 5
