"""Step 2 of a target is taken once for many origins of a sweep, and changes nothing but the time."""

import json

import numpy as np
import pytest
from outputs import arrays
from sweeps import SMALL, create_jobs

from decoupling_lib.runs.kept_targets import KeptTarget
from decoupling_lib.runs.output_files import KEPT_TARGETS
from decoupling_lib.runs.sweep import run_sweep
from decoupling_lib.runs.sweep_job import run_job
from decoupling_lib.transfers.setup import prepare

TWO = SMALL.replace("layers = 1", "layers = 2").replace("1e-4", "1e-3") + "steps = 2\n"
ORIGINS = 'origins = ["coffee", "flower"]\ntargets = ["china"]\n'


def read(out, job):
    return json.loads((out / job.name / "report.json").read_text("utf-8"))


def run(out, *jobs):
    """Run jobs one after the other, and return their reports."""
    out.mkdir(exist_ok=True)
    for job in jobs:
        assert run_job(job, str(out)).status == "done"
    return [read(out, job) for job in jobs]


@pytest.mark.parametrize(
    "more", ['reference = "noise"\n', 'reference = "photographs"\nmethod = "projected"\niterations = 3\n']
)
def test_the_second_origin_finds_the_target_without_its_style_and_ends_with_the_same_bits(more, tmp_path):
    jobs = create_jobs(tmp_path, ORIGINS + TWO + more)
    first, second = run(tmp_path / "both", *jobs)
    (alone,) = run(tmp_path / "alone", jobs[1])
    one, two = arrays(tmp_path / "both" / jobs[1].name), arrays(tmp_path / "alone" / jobs[1].name)
    assert one.keys() == two.keys() and all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert first["reused_passes"] == alone["reused_passes"] == dict.fromkeys(first["passes"], 0)
    step2 = [stage for stage in second["stages"] if stage["step"] == 2]
    for kind, count in second["reused_passes"].items():
        assert count == sum(stage["passes"][kind] for stage in step2)
    assert sum(second["reused_passes"].values()) > 0 and second["passes"] == alone["passes"]
    assert second["style"] == alone["style"]


@pytest.mark.parametrize(
    "grid",
    ['reference = ["midpoint"]', "seed = [0, 1]", 'precision = ["float32", "float64"]', 'mask = ["coffee", "flower"]'],
)
def test_nothing_is_reused_where_step_2_is_another_one(grid, tmp_path):
    start = 'reference = "noise"\n' if "reference" not in grid else ""
    pair = ORIGINS if "midpoint" in grid else 'pairs = [["coffee", "china"]]\n'
    jobs = create_jobs(tmp_path, pair + SMALL + "steps = 2\n" + start + f"[grid]\n{grid}\n")
    reports = run(tmp_path / "out", *jobs)
    assert len(reports) == 2 and all(not any(report["reused_passes"].values()) for report in reports)


def test_options_that_step_2_does_not_see_do_not_keep_it_from_being_reused(tmp_path):
    grid = "strength = [0.5, 1.0]\nkeep_colors = [false, true]\n"
    jobs = create_jobs(
        tmp_path, 'pairs = [["coffee", "china"]]\n' + SMALL + f'steps = 2\nreference = "noise"\n[grid]\n{grid}'
    )
    reports = run(tmp_path / "out", *jobs)
    assert [any(report["reused_passes"].values()) for report in reports] == [False, True, True, True]


def test_damaged_files_are_made_again(tmp_path):
    jobs = create_jobs(tmp_path, ORIGINS + SMALL + 'steps = 2\nreference = "noise"\n')
    run(tmp_path / "out", jobs[0])
    (file,) = (tmp_path / "out" / KEPT_TARGETS).rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-100])
    (second,) = run(tmp_path / "out", jobs[1])
    assert not any(second["reused_passes"].values())
    experiment = prepare("flower", "china", jobs[1].options)
    assert KeptTarget(tmp_path / "out", experiment).reused.total > 0


def test_a_self_transfer_keeps_nothing(tmp_path):
    (job,) = create_jobs(tmp_path, 'pairs = [["china", "china"]]\n' + SMALL + "steps = 2\n")
    run(tmp_path / "out", job)
    assert not (tmp_path / "out" / KEPT_TARGETS).exists()


@pytest.mark.parametrize("fails", [False, True])
def test_the_folder_is_deleted_when_all_transfers_are_done(fails, tmp_path, monkeypatch):
    text = ORIGINS.replace('"flower"', '"nowhere.png"') if fails else ORIGINS
    jobs = create_jobs(tmp_path, text + SMALL + 'steps = 2\nreference = "noise"\n')
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(
        "decoupling_lib.runs.sweep_workers.run_jobs",
        lambda jobs, out, *_: ((job, run_job(job, str(out))) for job in jobs),
    )
    rows = run_sweep(jobs, out)
    assert [row.result.status for row in rows] == ["done", "failed" if fails else "done"]
    assert (out / KEPT_TARGETS).exists() == fails
    assert np.isfinite(rows[0].result.summary["reused_passes"])
