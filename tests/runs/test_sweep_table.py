"""What a sweep shows of its transfers: the table and the contact sheet."""

import json
from pathlib import Path

import numpy as np
import pytest
from html_files import assert_complete
from PIL import Image
from sweeps import PAIR, create_jobs, read_table

from decoupling_lib.runs import contact_sheet
from decoupling_lib.runs.contact_sheet import write_contact_page, write_contact_sheet
from decoupling_lib.runs.sweep_job import JobResult
from decoupling_lib.runs.sweep_table import TABLE, Row, write_table


def test_the_table_has_a_column_for_each_option_that_differs(tmp_path: Path):
    jobs = create_jobs(tmp_path, PAIR + "[grid]\nsteps = [3, 4]\n")
    rows = [
        Row(jobs[0], JobResult("done", summary={"passes": 7, "style a": 0.5}), True),
        Row(jobs[1], JobResult("failed", 'no, "really"'), True),
    ]
    write_table(tmp_path / TABLE, rows)
    first, second = read_table(tmp_path)
    assert list(first) == ["name", "origin", "target", "steps", "status", "said", "passes", "style a"]
    assert (first["steps"], first["passes"], first["style a"]) == ("3", "7", "0.5")
    assert (second["status"], second["said"], second["passes"]) == ("failed", 'no, "really"', "")


def test_the_contact_sheet_shows_names_with_dollar_signs(tmp_path: Path):
    rows = []
    for name in ("cash$_$.png", "$$.png", "a$\\frac$b.png"):
        (job,) = create_jobs(tmp_path, f'pairs = [[{json.dumps(name)}, "china"]]\n')
        rows.append(Row(job, JobResult("failed"), True))
    assert write_contact_sheet(tmp_path / "contact.png", rows, tmp_path).exists()


def create_rows(folder: Path, text: str, shape=(24, 16), failed: tuple[int, ...] = ()) -> list[Row]:
    """Return the rows of a sweep with images of random colors in their folders; some transfers may have failed."""
    rows, random = [], np.random.default_rng(0)
    for number, job in enumerate(create_jobs(folder, text)):
        if number in failed:
            rows.append(Row(job, JobResult("failed", "said <b>no</b>"), True))
            continue
        (folder / job.name).mkdir(parents=True)
        for name in ("origin", "target", "result"):
            Image.fromarray(random.integers(0, 256, (*shape, 3), np.uint8)).save(folder / job.name / f"{name}.png")
        (folder / job.name / "report.html").write_text("a report")
        summary = {"passes": 1234, "seconds": 5.6, "psnr_db": None, "style block1_conv1": 0.0123}
        rows.append(Row(job, JobResult("done", summary=summary), True))
    write_table(folder / TABLE, rows)
    return rows


@pytest.mark.parametrize(("shape", "scale"), [((25, 16), 11), ((70, 96), 3), ((288, 200), 1)])
def test_images_on_the_contact_sheet_are_enlarged_by_a_whole_number(shape, scale, tmp_path):
    rows = create_rows(tmp_path, PAIR + "[grid]\nsteps = [3, 4, 5]\n", shape, failed=(1,))
    with Image.open(write_contact_sheet(tmp_path / "contact.png", rows, tmp_path)) as image:
        sheet = np.asarray(image.convert("RGB")).astype(int)
    for row in (rows[0], rows[2]):
        for name in ("origin", "target", "result"):
            with Image.open(tmp_path / row.job.name / f"{name}.png") as image:
                wanted = np.asarray(image).astype(int).repeat(scale, 0).repeat(scale, 1)
            corner = np.abs(sheet - wanted[0, 0]).max(-1) <= 1
            places = np.argwhere(corner[: sheet.shape[0] - wanted.shape[0] + 1, : sheet.shape[1] - wanted.shape[1] + 1])
            assert any(
                np.abs(sheet[y : y + wanted.shape[0], x : x + wanted.shape[1]] - wanted).max() <= 1
                for y, x in places
                if np.abs(sheet[y + wanted.shape[0] - 1, x + wanted.shape[1] - 1] - wanted[-1, -1]).max() <= 1
            ), name


def test_a_contact_sheet_shows_large_images_smaller_and_at_most_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MAX_TRANSFERS", 3)
    rows = create_rows(tmp_path, PAIR + "[grid]\nseed = [0, 1, 2, 3, 4]\n", (600, 300))
    with Image.open(write_contact_sheet(tmp_path / "contact.png", rows, tmp_path)) as image:
        assert 600 < image.height < 1000  # two lines


def test_the_contact_page_shows_every_transfer_with_what_differs_and_its_report(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MAX_TRANSFERS", 1)
    rows = create_rows(tmp_path, PAIR + "[grid]\nsteps = [3, 4]\nseed = [0, 1]\n", failed=(3,))
    (tmp_path / rows[0].job.name / "film.html").write_text("a film")
    write_contact_page(tmp_path / "contact.html", rows, tmp_path)
    page = assert_complete(tmp_path / "contact.html")
    sections = page.find("section")
    assert len(sections) == 4 and len(page.find("img")) == 9
    for row, each in zip(rows, sections, strict=True):
        text = " ".join("".join(each.text).split())
        assert f"steps {row.job.options.steps}" in text and f"seed {row.job.options.seed}" in text
        assert "layers" not in text  # the same for all
        assert ("said <b>no</b>" if row.result.status == "failed" else "1,234 passes") in text
    links = [each.attributes["href"] for each in page.find("a")]
    done = [row.job.name for row in rows if row.result.status == "done"]
    assert links == ["results.csv", f"{done[0]}/report.html", f"{done[0]}/film.html"] + [
        f"{name}/report.html" for name in done[1:]
    ]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>.png", '"><img src=x>.png', "a\nb\u202e.png", "%2e%2e#?.png"]
)
def test_hostile_names_are_only_shown_on_the_contact_page(name, tmp_path):
    rows = create_rows(tmp_path, f'pairs = [[{json.dumps(name)}, "china"]]\n')
    write_contact_page(tmp_path / "contact.html", rows, tmp_path)
    page = assert_complete(tmp_path / "contact.html")
    assert len(page.find("img")) == 3 and not page.find("script")


def test_a_picture_that_is_missing_is_said_to_be(tmp_path):
    rows = create_rows(tmp_path, PAIR)
    (tmp_path / rows[0].job.name / "result.png").unlink()
    write_contact_page(tmp_path / "contact.html", rows, tmp_path)
    page = assert_complete(tmp_path / "contact.html")
    assert len(page.find("img")) == 2 and "no picture" in page.text()
