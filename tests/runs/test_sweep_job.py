"""One transfer of a sweep: when it is complete, and that a failure concerns no other transfer."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sweeps import PAIR, SMALL, create_jobs

from decoupling_lib.runs.sweep_job import FAILURE_FILE, find_complete_report, run_job
from decoupling_lib.runs.sweep_spec import with_absolute_paths


def test_a_failure_affects_no_other_transfer_and_only_it_is_run_again(tmp_path: Path):
    image = tmp_path / "later.png"
    pairs = [["coffee", "china"], [str(image), "china"]]
    jobs = create_jobs(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n")
    out = tmp_path / "out"
    out.mkdir()
    results = [run_job(job, str(out)) for job in jobs]
    assert [result.status for result in results] == ["done", "failed"]
    assert "later.png" in results[1].message
    assert json.loads((out / jobs[1].name / FAILURE_FILE).read_text()) == {"said": results[1].message}
    written = (out / jobs[0].name / "report.json").stat().st_mtime_ns
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)).save(image)
    assert [run_job(job, str(out)).status for job in jobs] == ["done", "done"]
    assert (out / jobs[0].name / "report.json").stat().st_mtime_ns == written
    assert not (out / jobs[1].name / FAILURE_FILE).exists()


def test_files_in_the_home_folder_are_found_before_they_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"x")
    (job,) = create_jobs(tmp_path, f'pairs = [["~/a.png", "china"]]\n{SMALL}steps = 3\n')
    assert with_absolute_paths(job).origin == str(tmp_path / "a.png") and with_absolute_paths(job).target == "china"


def test_the_report_of_another_transfer_does_not_make_a_transfer_complete(tmp_path: Path):
    job, other = create_jobs(tmp_path, f"{PAIR}{SMALL}[grid]\nsteps = [3, 4]\n")
    (tmp_path / job.name).mkdir()
    for content in ("", "{", "[]", "{}", json.dumps({"sweep": other.key})):
        (tmp_path / job.name / "report.json").write_text(content)
        assert find_complete_report(job, tmp_path) is None


@pytest.mark.parametrize("changed", ["image", "weights", "mask", "further origin"])
def test_a_transfer_whose_image_mask_or_weights_have_changed_is_not_complete(changed: str, tmp_path: Path):
    files = {"image": tmp_path / "a.png", "weights": tmp_path / "w.h5"}
    files |= {"mask": tmp_path / "m.png", "further origin": tmp_path / "o.png"}
    for path in files.values():
        path.write_bytes(b"before")
    text = f'pairs = [["{files["image"]}", "china"]]\n[fixed]\nnetwork = "vgg16"\nweights = "{files["weights"]}"\n'
    text += f'mask = "{files["mask"]}"\nmix = [["{files["further origin"]}", 0.5]]\n'
    (job,) = create_jobs(tmp_path, text)
    (tmp_path / job.name).mkdir()
    before = hashlib.sha256(b"before").hexdigest()
    report = {"inputs": [{"sha256": before}, {"sha256": "of a bundled picture"}], "network": {"sha256": before}}
    report |= {"mixture": [{"sha256": before}, {"sha256": before}], "masks": {"target": {"sha256": before}}}
    (tmp_path / job.name / "report.json").write_text(json.dumps(report | {"sweep": job.key}))
    assert find_complete_report(job, tmp_path) is not None
    files[changed].write_bytes(b"after")
    assert find_complete_report(job, tmp_path) is None
    files[changed].unlink()  # a cluster may have files that this machine does not have
    assert find_complete_report(job, tmp_path) is not None
