"""Flows on many images: which images, what is written, resuming, failures, and two workers at once."""

import json
from dataclasses import replace

import numpy as np
import pytest
from clusters import create_cluster
from flows import random_flow
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture, save_png, to_uint8
from decoupling_lib.images.quality import psnr
from decoupling_lib.runs import flow_job, flow_run
from decoupling_lib.runs.flow_images import list_images
from decoupling_lib.runs.flow_job import FlowJob, run_flow_job
from decoupling_lib.runs.flow_run import apply_to_images, choose_workers
from decoupling_lib.transfers.flow_application import apply_flow
from decoupling_lib.transfers.flow_file import checksum, save_flow
from decoupling_lib.transfers.flow_settings import FlowSettings


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (1, 2, 10):
        save_png(folder / f"f{number}.png", np.random.default_rng(number).random((20, 24, 3)))
    (folder / "notes.txt").write_text("not an image")
    return folder


def create_jobs(tmp_path, sources, settings=None):
    file = save_flow(random_flow(1), tmp_path / "style.npz")
    settings = FlowSettings() if settings is None else settings
    return [FlowJob(image, str(file), checksum(random_flow(1)), None, settings) for image in list_images(sources)]


def run(jobs, out, **options):
    out.mkdir(exist_ok=True)
    return apply_to_images(random_flow(1), jobs, out, **options)


def test_a_picture_of_values_that_are_mostly_out_of_range_has_a_note(frames, tmp_path):
    flow = random_flow(1)
    (leg,) = flow.legs
    wild = replace(flow, legs=(replace(leg, there=leg.there.scale(80.0), back=leg.back.scale(80.0)),))
    for chosen, count in ((flow, 0), (wild, 1)):
        file = save_flow(chosen, tmp_path / "flow.npz")
        job = FlowJob(list_images([frames / "f1.png"])[0], str(file), checksum(chosen), None, FlowSettings())
        entry = run_flow_job(job, str(tmp_path)).summary
        assert len(entry["notes"]) == count == (entry["out_of_range_fraction"] > 0.5)
    assert "f1.png" in entry["notes"][0]


def test_a_folder_is_taken_in_natural_order(frames):
    assert [image.stem for image in list_images([frames, "china"])] == ["f1", "f2", "f10", "china"]


def test_outputs_of_one_name_are_refused(frames, tmp_path):
    Image.open(frames / "f1.png").save(tmp_path / "F1.jpg")
    for sources in ([frames, tmp_path / "F1.jpg"], [frames / "f1.png", frames / "f1.png"], ["china", "china"]):
        with pytest.raises(InputError, match="output"):
            list_images(sources)


def test_an_output_that_would_replace_its_input_is_refused(frames):
    with pytest.raises(InputError, match="another folder"):
        list_images([frames], frames)


def test_sources_that_do_not_exist_or_are_empty_are_refused(tmp_path):
    for source in (tmp_path, tmp_path / "none.png", "chinaa", ""):
        with pytest.raises(InputError):
            list_images([source])


def test_every_image_has_its_output_and_its_entry(frames, tmp_path):
    jobs, out = create_jobs(tmp_path, [frames]), tmp_path / "out"
    report = run(jobs, out)
    assert report == json.loads((out / "report.json").read_text())
    assert [entry["outputs"] for entry in report["images"]] == [["f1.png"], ["f2.png"], ["f10.png"]]
    x = load_picture(frames / "f2.png").array
    expected = to_uint8(apply_flow(random_flow(1), x).x)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "f2.png")), expected)
    entry = report["images"][1]
    assert entry["size"] == [20, 24] and entry["status"] == "done" and entry["megapixels"] == 0.00048
    assert [(leg["step"], leg["layer"]) for leg in entry["legs"]] == [(2, "block1_conv1"), (3, "block1_conv1")]
    assert entry["style_relative_error"] == {"block1_conv1": entry["legs"][-1]["relative_error"]}
    assert entry["passes"] == sum(sum(leg["passes"].values()) for leg in entry["legs"])


def test_an_exact_output_is_undone_from_its_file(frames, tmp_path):
    run(create_jobs(tmp_path, [frames / "f1.png"], FlowSettings(exact=True)), tmp_path / "there")
    run(create_jobs(tmp_path, [tmp_path / "there" / "f1.npy"], FlowSettings(undo=True)), tmp_path / "back")
    x = load_picture(frames / "f1.png").array
    assert psnr(np.load(tmp_path / "there" / "f1.npy"), x) < 50 and psnr(np.load(tmp_path / "back" / "f1.npy"), x) > 100


def test_resuming_runs_what_is_missing_or_has_changed(frames, tmp_path):
    jobs, out, fresh = create_jobs(tmp_path, [frames]), tmp_path / "out", []

    def listen(job, result, now):
        if now:
            fresh.append(job.image.stem)

    first = run(jobs, out, listen=listen)
    (out / "f2.png").unlink()
    fresh.clear()
    second = run(jobs, out, resume=True, listen=listen)
    assert fresh == ["f2"] and [entry["outputs"] for entry in second["images"]] == [["f1.png"], ["f2.png"], ["f10.png"]]
    assert second["images"][0] == first["images"][0]
    fresh.clear()
    save_png(frames / "f10.png", np.random.default_rng(77).random((20, 24, 3)))
    run(create_jobs(tmp_path, [frames]), out, resume=True, listen=listen)
    assert fresh == ["f10"]
    fresh.clear()
    run(create_jobs(tmp_path, [frames], FlowSettings(0.5)), out, resume=True, listen=listen)
    assert fresh == ["f1", "f2", "f10"]  # with other settings nothing is kept


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": 3}', '{"images": [{"outputs": 1}]}'])
def test_a_damaged_report_is_not_resumed_from(frames, tmp_path, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text(text)
    assert len(run(create_jobs(tmp_path, [frames / "f1.png"]), tmp_path / "out", resume=True)["images"]) == 1


def test_an_interruption_keeps_what_is_finished(frames, tmp_path, monkeypatch):
    jobs, out, done = create_jobs(tmp_path, [frames]), tmp_path / "out", []

    def interrupted(job, *rest):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(job)
        return run_flow_job(job, *rest)

    monkeypatch.setattr(flow_run, "run_flow_job", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(jobs, out)
    assert [entry["outputs"] for entry in json.loads((out / "report.json").read_text())["images"]] == [["f1.png"]]


def test_one_image_that_fails_does_not_stop_the_others(frames, tmp_path):
    jobs, out = create_jobs(tmp_path, [frames]), tmp_path / "out"
    (frames / "f2.png").write_bytes(b"no image any more")
    report = run(jobs, out)
    assert [entry["status"] for entry in report["images"]] == ["done", "failed", "done"]
    assert "f2.png" in report["images"][1]["message"] and not (out / "f2.png").exists()


def test_a_flow_that_has_changed_meanwhile_is_noticed(frames, tmp_path):
    job = replace(create_jobs(tmp_path, [frames / "f1.png"])[0], checksum="0" * 64)
    result = run_flow_job(job, str(tmp_path))
    assert result.status == "failed" and "changed" in result.message


def test_an_image_that_does_not_fit_into_memory_is_refused(frames, tmp_path, monkeypatch):
    monkeypatch.setattr("decoupling_lib.transfers.flow_memory.available_mib", lambda: 100)
    flow_job._open.cache_clear()
    result = run_flow_job(create_jobs(tmp_path, [frames / "f1.png"])[0], str(tmp_path))
    assert result.status == "failed" and "memory" in result.message


def test_no_more_workers_than_images_or_memory():
    assert choose_workers(1, 1) == 1
    assert choose_workers(10**9, 50) == 1


@pytest.mark.slow
def test_two_workers_give_the_bits_of_one(frames, tmp_path):
    jobs = create_jobs(tmp_path, [frames])
    run(jobs, tmp_path / "one")
    report = run(jobs, tmp_path / "two", workers=2)
    assert [entry["status"] for entry in report["images"]] == ["done"] * 3
    for name in ("f1.png", "f2.png", "f10.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.slow
def test_a_cluster_gives_the_bits_of_this_machine_and_names_what_a_worker_lacks(frames, tmp_path):
    jobs = create_jobs(tmp_path, [frames])
    run(jobs, tmp_path / "here")
    with create_cluster(tmp_path / "workers") as cluster:
        cluster.add_worker("one")
        report = run(jobs, tmp_path / "there", scheduler=cluster.address)
        assert [entry["status"] for entry in report["images"]] == ["done"] * 3
        for name in ("f1.png", "f2.png", "f10.png"):
            assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
        (frames / "f2.png").unlink()
        report = run(jobs, tmp_path / "there", scheduler=cluster.address)
    assert [entry["status"] for entry in report["images"]] == ["done", "failed", "done"]
    assert "f2.png" in report["images"][1]["message"]
