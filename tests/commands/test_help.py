"""What the command line says about itself: version, help in groups, exit codes; and how fast it starts."""

import re
import subprocess
import sys

import pytest
import typer
from paths import ROOT

from decoupling_lib import __version__, cli
from decoupling_lib.transfers.options import Options

COMMANDS = typer.main.get_command(cli.app).commands
HEAVY = {"tensorflow", "keras", "h5py", "matplotlib", "skimage", "distributed"}


def read_groups(text: str) -> dict[str, set[str]]:
    """Return the options of each group in a help text."""
    groups: dict[str, set[str]] = {}
    for line in text.splitlines():
        if title := re.match(r"╭─ (\w+) ", line):
            options = groups.setdefault(title[1], set())
        elif option := re.match(r"│ \*?\s*(--[\w-]+)", line):
            options.add(option[1])
    return groups


def test_the_version_is_that_of_the_package(decoupling):
    assert decoupling("--version") == (0, f"decoupling {__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_help_text_shows_every_option_once_with_an_explanation(command, decoupling):
    outcome = decoupling(command, "--help")
    assert outcome.code == 0 and outcome.err == ""
    shown = [option for options in read_groups(outcome.out).values() for option in options]
    defined = [parameter for parameter in COMMANDS[command].params if parameter.param_type_name == "option"]
    assert sorted(shown) == sorted([*(parameter.opts[0] for parameter in defined), "--help"])
    assert all(parameter.help for parameter in COMMANDS[command].params)


@pytest.mark.parametrize("command", COMMANDS)
def test_more_than_six_options_are_in_groups(command, decoupling):
    groups = read_groups(decoupling(command, "--help").out)
    groups.pop("Arguments", None)
    assert len(groups) > 1 or len(groups["Options"] - {"--help"}) <= 6
    assert len(groups) == 1 or "--help" in groups["Basic"]


def test_the_groups_of_a_transfer(decoupling):
    groups = read_groups(decoupling("transfer", "--help").out)
    assert list(groups) == ["Arguments", "Basic", "Style", "Method", "Network", "Expert"]
    for group, option in (
        ("Basic", "--out"),
        ("Style", "--keep-colors"),
        ("Method", "--rule"),
        ("Network", "--softness"),
        ("Expert", "--precision"),
    ):
        assert option in groups[group]
    names = {name.lstrip("-").replace("-", "_") for options in groups.values() for name in options}
    assert {*vars(Options())} <= names, "every option of the library is one of the command line"


@pytest.mark.parametrize("command", ["transfer", "rerun", "sweep"])
def test_the_help_names_every_exit_code(command, decoupling):
    text = " ".join(decoupling(command, "--help").out.partition("Exit codes:")[2].split())
    assert [int(code) for code in re.findall(r"(?:^|; )(\d+) ", text)] == [0, 1, 2, 130, 143]


def test_the_package_is_the_command_line_and_starts_without_heavy_packages():
    for arguments, beginning in ((["--version"], "decoupling "), (["transfer", "--help"], "")):
        command = [sys.executable, "-X", "importtime", "-m", "decoupling_lib", *arguments]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        imported = set(re.findall(r"\| +(\w+)$", run.stderr, re.MULTILINE))
        assert run.stdout.startswith(beginning) and "typer" in imported and not HEAVY & imported
