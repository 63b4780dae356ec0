"""Films: which frames are kept, in which order and how long they are shown, as GIF and as page."""

import re

import numpy as np
import pytest
from html_files import assert_complete
from PIL import Image, ImageSequence
from solved_films import GRID, LAYERS, create_film, create_leg, gray

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.normalization import Route
from decoupling_lib.plotting import film
from decoupling_lib.plotting.film import MAX_FRAMES, arrange_film, write_gif
from decoupling_lib.plotting.film_frames import MAX_SIDE, PARTS, FilmFrames, enlarge, shrink
from decoupling_lib.plotting.film_page import write_film, write_film_page
from decoupling_lib.transfers.run import Transfer


def levels(shots) -> list[float]:
    for shot in shots:
        assert np.ptp(shot.pixels) == 0
    return [int(shot.pixels[0, 0, 0]) / 255 for shot in shots]


def test_the_first_point_of_each_part_of_a_leg_is_a_frame():
    frames = FilmFrames()
    points = np.linspace(0, 1, 1001)
    for progress in points:
        frames.listen(2, "a", progress, gray(progress))
    found = [frame.progress for frame in frames.of_leg(2, "a")]
    expected = [points[points >= k / PARTS - 1e-12][0] for k in range(PARTS)] + [1.0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert frames.of_leg(3, "a") == frames.of_leg(2, "b") == []


def test_the_judging_other_points_without_an_image_and_infinite_ones_are_no_frames():
    frames = FilmFrames()
    frames.listen(4, "a", 0.5, gray(0.5))
    frames.listen(2, "a", 0.5, None)
    frames.listen(2, "a", 0.5, gray(np.nan))
    frames.listen(0, "a", 0.5, gray(0.5))
    assert all(frames.of_leg(step, "a") == [] for step in range(5))


def test_frames_are_clipped_eight_bit_images_that_a_repeated_run_does_not_change():
    store: dict[str, bytes] = {}
    frames, image = FilmFrames(store), np.linspace(-0.5, 1.5, 16 * 24 * 3).reshape(16, 24, 3)
    frames.listen(2, "a", 0.5, image)
    before = dict(store)
    FilmFrames(store).listen(2, "a", 0.5001, gray(0.1))  # as a run that is resumed with what an earlier one kept
    assert store == before
    (frame,) = FilmFrames(store).of_leg(2, "a")
    np.testing.assert_array_equal(frame.pixels, np.rint(image.clip(0, 1) * 255))
    assert frame.pixels.dtype == np.uint8


def test_of_a_leg_on_several_sizes_only_the_largest_images_are_shown():
    frames = FilmFrames()
    for side in (16, 32, 64):
        for progress in (0.0, 0.5, 1.0) if side < 64 else (0.0, 1.0):
            frames.listen(2, "a", progress, gray(side / 100, (side, side)))
    assert [(frame.progress, frame.pixels.shape[0]) for frame in frames.of_leg(2, "a")] == [(0.0, 64), (1.0, 64)]


def test_large_images_are_shrunk_to_the_mean_of_their_pixels():
    frames = FilmFrames()
    frames.listen(2, "a", 0.5, gray(0.4, (1000, 500)))
    (frame,) = frames.of_leg(2, "a")
    assert frame.pixels.shape == (MAX_SIDE, MAX_SIDE // 2, 3) and set(np.unique(frame.pixels)) == {102}
    assert shrink(np.zeros((1, 5000, 3), np.uint8)).shape == (1, MAX_SIDE, 3)
    small = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert shrink(small) is small
    np.testing.assert_array_equal(enlarge(small, 3)[1::3, 2::3], small)


@pytest.mark.parametrize("case", [{}, {"own": True}, {"refined": True}, {"layers": LAYERS[:1]}])
def test_a_film_leads_from_the_target_over_the_reference_to_the_result(case):
    transfer, frames = create_film(**case)
    shots = arrange_film(transfer, frames)
    shown = levels(shots)
    assert shown == sorted(shown) and (shown[0], shown[-1]) == (0, 1)
    stills = [shot for shot in shots if shot.leg is None]
    assert [shot.title for shot in stills] == ["Target", "At the reference", "Result"]
    np.testing.assert_array_equal(stills[1].pixels, np.rint(transfer.routes["step2"].x * 255))
    moving = [shot for shot in shots if shot.leg is not None]
    assert len(moving) == 8 * len({id(shot.leg) for shot in moving})
    assert [int(shot.leg.step) for shot in moving] == sorted(int(shot.leg.step) for shot in moving)
    assert min(shot.seconds for shot in stills) > max(shot.seconds for shot in moving)
    assert sum(shot.seconds for shot in moving) == pytest.approx(film.MOVING_SECONDS)


def test_the_direct_method_has_a_film_without_a_reference():
    shots = arrange_film(*create_film(direct=True))
    assert [shot.title for shot in shots if shot.leg is None] == ["Target", "Result"]
    assert "all layers" in shots[1].title and levels(shots) == sorted(levels(shots))


def test_captions_say_which_step_which_layer_how_far_and_what_is_held():
    shots = [shot for shot in arrange_film(*create_film(refined=True)) if shot.leg is not None]
    for shot in shots:
        named = "all layers" if "+" in shot.leg.layer else shot.leg.layer
        share = re.search(r"\d+%", shot.text)[0]
        assert all(part in shot.title for part in (f"Step {shot.leg.step:d}", named, share))
        assert f"Step {shot.leg.step:d}" in shot.text and named.removeprefix("all ") in shot.text
    held = {shot.leg.layer: "held" in shot.text for shot in shots}
    assert held == {LAYERS[0]: False, LAYERS[1]: True, "+".join(LAYERS): False}


def test_the_share_in_a_caption_and_the_error_are_those_of_the_frame():
    shots = [shot for shot in arrange_film(*create_film()) if shot.leg is not None]
    for place, shot in enumerate(shots):
        done = GRID[place % 8 + 1]
        assert f"{done:.0%}" in shot.text
        assert shot.error == pytest.approx(0.5 * 0.5 ** (place % 8 + 1))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_film_has_a_limited_number_of_frames_evenly_spread(count):
    names = tuple(f"block{at}_conv1" for at in range(1, count + 1))
    transfer, frames = create_film(names, grid=tuple(np.linspace(0, 1, 101)))
    shots = arrange_film(transfer, frames)
    assert len(shots) <= MAX_FRAMES + 3
    for leg in {id(shot.leg): shot.leg for shot in shots if shot.leg is not None}.values():
        own = [shot for shot in shots if shot.leg is leg]
        shares = np.array([0, *(int(re.search(r"(\d+)%", shot.text)[1]) for shot in own)])
        assert shares[-1] == 100 and np.diff(shares).max() <= 1.5 * 100 / min(MAX_FRAMES // (2 * count), PARTS) + 1


def test_a_curve_whose_places_are_not_known_gives_no_error():
    transfer, frames = create_film()
    routes = {
        name: Route(route.x, route.style, tuple(create_leg(leg.step, leg.layer, ()) for leg in route.legs), "done")
        for name, route in transfer.routes.items()
    }
    assert all(
        np.isnan(shot.error)
        for shot in arrange_film(Transfer(transfer.origin, transfer.target, transfer.layers, routes), frames)
    )


@pytest.mark.parametrize(
    ("shape", "shown"), [((16, 24), (13 * 16, 13 * 24)), ((60, 40), (300, 200)), ((330, 400), (264, 320))]
)
def test_a_gif_has_each_shot_for_its_time_enlarged_by_a_whole_number(shape, shown, tmp_path):
    shots = arrange_film(*create_film(shape=shape))
    with Image.open(write_gif(tmp_path / "film.gif", shots)) as image:
        assert image.n_frames == len(shots) and image.info["loop"] == 0
        assert image.width == max(shown[1], 280) and image.height > shown[0]
        left = (image.width - shown[1]) // 2
        for shot, frame in zip(shots, ImageSequence.Iterator(image), strict=True):
            assert frame.info["duration"] == pytest.approx(1000 * shot.seconds, abs=5)
            inside = np.asarray(frame.convert("RGB")).astype(int)[: shown[0], left : left + shown[1]]
            assert np.abs(inside - shot.pixels[0, 0]).max() <= 4


def test_a_gif_keeps_the_colors_of_a_photograph_and_its_squares(tmp_path):
    transfer, frames = create_film(layers=LAYERS[:1], shape=(32, 32))
    photograph = np.random.default_rng(0).uniform(size=(32, 32, 3)) ** 2
    shots = arrange_film(Transfer(transfer.origin, photograph, transfer.layers, transfer.routes), frames)
    with Image.open(write_gif(tmp_path / "film.gif", shots)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)[:320, :320]
    assert (seen.reshape(32, 10, 32, 10, 3) == seen[::10, None, ::10, None]).all()
    assert np.abs(seen[::10, ::10] - photograph * 255).mean() < 12  # 1,024 random colors in 256


@pytest.mark.parametrize("case", [{}, {"own": True}, {"direct": True}, {"shape": (200, 150)}])
def test_a_page_has_all_frames_with_their_captions_and_controls(case, tmp_path):
    transfer, frames = create_film(**case)
    shots = arrange_film(transfer, frames)
    write_film_page(tmp_path / "film.html", shots, transfer.origin, ("<b>.png", "b & c"), "small <print>")
    page = assert_complete(tmp_path / "film.html")
    images = [each for each in page.find("img") if "data-ms" in each.attributes]
    assert [each.attributes["alt"] for each in images] == [shot.text for shot in shots]
    assert [int(each.attributes["data-ms"]) for each in images] == [round(1000 * shot.seconds) for shot in shots]
    for each, shot in zip(images, shots, strict=True):
        assert np.abs(np.asarray(page.image(each).convert("RGB")).astype(int) - shot.pixels).max() <= 3
    assert [("shown" in each.attributes.get("class", "")) for each in images] == [True] + [False] * (len(images) - 1)
    (slider,) = page.find("input", type="range")
    assert (slider.attributes["min"], slider.attributes["max"]) == ("0", str(len(shots) - 1))
    assert slider.attributes["aria-label"]
    jumps = [int(each.attributes["data-jump"]) for each in page.find("button") if "data-jump" in each.attributes]
    assert [shots[at].leg for at in jumps] == [None] * len(jumps) and jumps[0] == 0 and jumps[-1] == len(shots) - 1
    places = [float(each.attributes["data-place"]) for each in images]
    assert places == sorted(places) and places[0] > 0 and places[-1] < 100
    assert "b & c" in page.text("h1") and "small <print>" in page.text()
    assert len(page.find("img", **{"class": "plot"})) == 1
    used = set(re.findall(r'find\("(\w+)"\)', page.text("script")))
    present = {each.attributes.get("id") for each in page.elements}
    assert used <= present  # what the script moves is there


@pytest.mark.parametrize("own", [True, False])
def test_a_self_transfer_is_told_by_its_images_and_not_by_their_names(own, tmp_path):
    transfer, frames = create_film(own=own)
    write_film_page(tmp_path / "film.html", arrange_film(transfer, frames), transfer.origin, ("a.png", "a.png"))
    page = assert_complete(tmp_path / "film.html")
    assert ("takes the style" in page.text("h1")) is not own
    assert len(page.find("figure", **{"class": "origin"})) == (not own)


def test_both_files_of_a_film_are_written_by_one_call(tmp_path):
    transfer, frames = create_film()
    found = write_film(transfer, frames, tmp_path / "new")
    assert [file.name for file in found] == ["film.gif", "film.html"] and all(file.is_file() for file in found)
    routes = dict(transfer.routes) | {"step3": Route(gray(0), np.zeros(2), (), "stalled")}
    with pytest.raises(InputError, match="stalled"):
        write_film(Transfer(transfer.origin, transfer.target, transfer.layers, routes), frames, tmp_path)
