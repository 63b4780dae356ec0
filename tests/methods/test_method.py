"""One protocol for all methods: the same bits through every door, and a true statement of what Step 1 measures."""

from dataclasses import replace

import numpy as np
import pytest
from toys import FIRST, NOISE, SECOND, TOY, reference

from decoupling_lib.engine.context import Context, Settings, Step
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.normalization import Route, normalize
from decoupling_lib.methods.choice import METHODS, create_method
from decoupling_lib.methods.method import Method, MethodSettings
from decoupling_lib.transfers.run import Transfer, run_transfer
from decoupling_lib.transfers.steps import impose_style, measure_style, remove_style

SETTINGS = Settings("rk4", 4, 1e-9, 1e-3, refinements=3)


def context() -> Context:
    return Context(Counted(TOY), reference(TOY, TOY.values(NOISE), 0.1, NOISE), SETTINGS)


def method(name: str) -> Method:
    return create_method(MethodSettings(name, optimizer="Adam", iterations=6))


@pytest.fixture(scope="module")
def transfers() -> dict[str, Transfer]:
    """Return the transfer of one toy image to another by each method."""
    return {name: run_transfer(context(), FIRST, SECOND, method(name)) for name in METHODS}


def assert_same_route(one: Route, other: Route) -> None:
    assert (one.x.tobytes(), one.style.tobytes(), one.status) == (
        other.x.tobytes(),
        other.style.tobytes(),
        other.status,
    )
    first, second = (tuple(replace(leg, seconds=0.0) for leg in route.legs) for route in (one, other))
    assert first == second


@pytest.mark.parametrize("name", METHODS)
def test_the_steps_one_by_one_give_the_bits_of_the_whole_transfer(transfers, name: str):
    step1 = measure_style(context(), FIRST, method(name))
    step2 = remove_style(context(), SECOND, method(name))
    step3 = impose_style(context(), step2.x, step1.style, method(name))
    for title, route in {"step1": step1, "step2": step2, "step3": step3}.items():
        assert_same_route(route, transfers[name].routes[title])


@pytest.mark.parametrize("name", METHODS)
def test_the_class_of_a_method_gives_the_bits_of_the_whole_transfer(transfers, name: str):
    step1 = method(name).normalize(replace(context(), step=Step.ORIGIN), FIRST)
    step2 = method(name).normalize(replace(context(), step=Step.TARGET), SECOND)
    step3 = method(name).impose(replace(context(), step=Step.TRANSFER), step2.x, step1.style)
    for title, route in {"step1": step1, "step2": step2, "step3": step3}.items():
        assert_same_route(route, transfers[name].routes[title])


@pytest.mark.parametrize("name", METHODS)
def test_legs_bear_the_number_of_their_step(transfers, name: str):
    for title, step in (("step1", Step.ORIGIN), ("step2", Step.TARGET), ("step3", Step.TRANSFER)):
        assert {leg.step for leg in transfers[name].routes[title].legs} <= {step}
    assert transfers[name].routes["step3"].legs


def test_the_methods_differ_from_each_other(transfers):
    ends = [transfer.routes["step3"].x for transfer in transfers.values()]
    for place, end in enumerate(ends):
        assert np.isfinite(end).all()
        assert all(np.max(np.abs(end - other)) > 1e-6 for other in ends[:place])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_measures_decoupled_style_if_its_step_1_is_the_yardstick(transfers, name: str):
    """The yardstick of all methods is the decoupled style; those that measure another one have it measured as well."""
    yardstick = normalize(replace(context(), step=Step.JUDGING), FIRST, measure_only=True).style
    routes = transfers[name].routes
    assert method(name).measures_decoupled_style == np.array_equal(routes["step1"].style, yardstick)
    assert ("origin_style" in routes) == (not method(name).measures_decoupled_style)
    np.testing.assert_array_equal(routes.get("origin_style", routes["step1"]).style, yardstick)


@pytest.mark.parametrize("name", ["descent", "projected", "direct"])
def test_a_method_follows_the_settings_with_which_it_was_created(name: str):
    few, many = (create_method(MethodSettings(name, iterations=count, threshold=1e-9)) for count in (1, 4))
    style = TOY.values(FIRST)
    one, four = (impose_style(context(), SECOND, style, each) for each in (few, many))
    assert [leg.steps for leg in one.legs] == [1] * len(one.legs)
    assert [leg.steps for leg in four.legs] == [4] * len(four.legs)
