"""The file of a sweep: which transfers it describes, and which files are refused."""

import json
from pathlib import Path

import pytest
from sweeps import PAIR, create_jobs, write_spec

from decoupling_lib.common.errors import InputError
from decoupling_lib.runs import sweep_spec
from decoupling_lib.runs.sweep_spec import input_files, with_absolute_paths


def test_a_file_describes_every_pair_with_every_combination_once(tmp_path: Path):
    text = 'origins = ["coffee", "flower"]\ntargets = ["china", "chelsea"]\n[grid]\nsteps = [4, 8, 4]\nseed = [0, 1]\n'
    jobs = create_jobs(tmp_path, text)
    found = [(job.origin, job.target, job.options.steps, job.options.seed) for job in jobs]
    assert len(found) == len(set(found)) == 2 * 2 * 2 * 2
    assert found[:3] == [("coffee", "china", 4, 0), ("coffee", "china", 4, 1), ("coffee", "china", 8, 0)]
    assert len({job.name for job in jobs}) == len(jobs)
    assert [job.name for job in create_jobs(tmp_path, text)] == [job.name for job in jobs]


def test_pairs_and_sizes(tmp_path: Path):
    text = 'pairs = [["coffee", "china"], ["china", "china"]]\n[grid]\nsize = [32, [32, 48]]\n'
    assert [(job.origin, job.options.size) for job in create_jobs(tmp_path, text)] == [
        ("coffee", (32, 32)), ("coffee", (32, 48)), ("china", (32, 32)), ("china", (32, 48)),
    ]  # fmt: skip


def test_options_of_the_style_and_an_image_that_is_seen_in_two_ways(tmp_path: Path):
    text = 'pairs = [["china", "china"]]\n[fixed]\nmask = "m.png"\n[grid]\nkeep_colors = [true, false]\n'
    for more, reference in (("", "midpoint"), ('origin_mask = ["m.png"]\n', "noise")):
        jobs = create_jobs(tmp_path, text + more)
        assert [job.options.keep_colors for job in jobs] == [True, False]
        assert {job.options.reference for job in jobs} == {reference} and {job.options.mask for job in jobs} == {
            "m.png"
        }


def test_mixtures(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(b"x")
    text = 'pairs = [["china", "china"]]\n[grid]\nmix = [[], [["a.png", 0.2], ["coffee", 0.3]]]\n'
    alone, mixed = create_jobs(tmp_path, text)
    assert (alone.options.mix, mixed.options.mix) == ((), (("a.png", 0.2), ("coffee", 0.3)))
    assert (alone.options.reference, mixed.options.reference) == ("noise", "midpoint")
    absolute = with_absolute_paths(mixed)
    assert absolute.options.mix == ((str(tmp_path / "a.png"), 0.2), ("coffee", 0.3))
    assert {str(tmp_path / "a.png"), "coffee"} <= set(input_files(absolute))
    for bad in ('"coffee"', '["coffee"]', '[["coffee"]]', '[["coffee", "x"]]', "[[0.3]]", '[["coffee", 1]]'):
        with pytest.raises(InputError):
            create_jobs(tmp_path, f'pairs = [["china", "china"]]\n[fixed]\nmix = {bad}\n')


def test_the_names_of_folders_stay_inside_the_output_folder(tmp_path: Path):
    hostile = ["../../etc/passwd", "/etc/passwd", "a\\\\..\\\\b", "nul", "x" * 500, "ñandú.png", "."]
    for job in create_jobs(tmp_path, f'origins = {json.dumps(hostile)}\ntargets = ["china"]\n'):
        assert (tmp_path / job.name).resolve().parent == tmp_path.resolve()
        assert job.name.replace("-", "").replace("_", "").isalnum() and len(job.name) < 100


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("# nothing", "no images"),
        ("origins = [", "TOML"),
        ("a = " + "[" * 5000, "TOML"),
        ('origins = ["coffee"]', "no images"),
        ('pairs = [["coffee"]]', "no images"),
        ('pairs = [["coffee", 3]]', "no images"),
        ("pairs = 3", "no images"),
        ('pairs = [["coffee", ""]]', "no images"),
        ('origin = ["coffee"]', '"origins"'),
        ('pairs = [["a", "b"]]\nfixed = 3', "fixed"),
        ('pairs = [["a", "b"]]\n[fixed]\nstep = 3', "steps"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = "many"', "many"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = nan', "nan"),
        ('pairs = [["a", "b"]]\n[fixed]\nsize = "big"', "big"),
        ('pairs = [["a", "b"]]\n[grid]\nsteps = 3', "brackets"),
        ('pairs = [["a", "b"]]\n[grid]\nsteps = []', "at least one"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = 3\n[grid]\nsteps = [4]', "fixed and in grid"),
        ('pairs = [["a", "b"]]\n[grid]\nseed = [' + "0," * 20_000 + "]", "10,000"),
        ('pairs = [["a", "b"]]\n[grid]\nlayers = [[[1]]]', "layers"),
    ],
)
def test_a_file_without_a_clear_meaning_is_refused_in_one_line_and_nothing_is_written(
    text: str, fragment: str, decoupling, tmp_path: Path
):
    outcome = decoupling("sweep", write_spec(tmp_path, text), "--out", tmp_path / "out")
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and fragment in outcome.err
    assert "; received " in outcome.err and "; accepted: " in outcome.err
    assert not (tmp_path / "out").exists()


def test_the_available_weights_are_part_of_a_transfer(tmp_path: Path, monkeypatch):
    keys = set()
    for source in ("hed", "imagenet", str(tmp_path / "own.h5")):
        monkeypatch.setenv(sweep_spec.weights.ENVIRONMENT, source)
        (job,) = create_jobs(tmp_path, PAIR)
        assert job.options.weights == source and job.options.network in ("vgg16", "vgg19")
        keys.add(job.key)
    assert len(keys) == 3


def test_workers_elsewhere_receive_absolute_paths(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "m.png", "w.h5"):
        Path(name).write_bytes(b"x")
    text = 'pairs = [["a.png", "china"]]\n[fixed]\nnetwork = "vgg16"\nweights = "w.h5"\nmask = "m.png"\n'
    (job,) = create_jobs(tmp_path, text)
    absolute = with_absolute_paths(job)
    assert (absolute.origin, absolute.target, absolute.options.weights) == (
        str(tmp_path / "a.png"), "china", str(tmp_path / "w.h5"),
    )  # fmt: skip
    assert (absolute.options.mask, absolute.options.origin_mask) == (str(tmp_path / "m.png"), None)
    assert (absolute.name, absolute.key, job.origin) == (job.name, job.key, "a.png")
    assert set(input_files(absolute)) == {"china", "", *(str(tmp_path / name) for name in ("a.png", "m.png", "w.h5"))}

    Path("coffee").mkdir()  # a folder is not an image, and a file is not a source of weights
    Path("hed").write_bytes(b"x")
    (job,) = create_jobs(tmp_path, PAIR + '[fixed]\nweights = "hed"\n')
    assert with_absolute_paths(job) == job
