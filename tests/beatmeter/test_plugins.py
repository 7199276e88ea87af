"""The plugin contract, and everything that a plugin can do wrong."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import pytest

from beatmeter import hookspecs, plugins
from beatmeter.errors import PluginError
from beatmeter.hookspecs import hookimpl
from beatmeter.meters import MeterScores
from beatmeter.plugins import BUILTIN, add_commands, build_plugins, installed_signals

HOOKS = [name for name, f in vars(hookspecs).items() if hasattr(f, "beatmeter_spec")]


class Constant:
    def __init__(self, name: str) -> None:
        self.name = name

    def unavailable(self) -> None:
        return None

    def score(self, rhythm: object) -> MeterScores:
        return MeterScores((1, 1, 1, 1, 1, 1))


@pytest.fixture
def point(monkeypatch) -> Callable[..., EntryPoint]:
    """Make an entry point that loads the given object."""

    def make(plugin: object, name: str = "ours") -> EntryPoint:
        module = f"_plugin_{name}"
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(plugin=plugin))
        return EntryPoint(name, f"{module}:plugin", "beatmeter")

    return make


def plugin(**hooks: Callable[..., object]) -> ModuleType:
    module = ModuleType("plugin")
    vars(module).update({name: hookimpl(hook) for name, hook in hooks.items()})
    return module


def offering(*signals: object) -> ModuleType:
    return plugin(beatmeter_signals=lambda: list(signals))


def commanding(add: Callable[[click.Group], None]) -> ModuleType:
    def beatmeter_commands(cli: click.Group) -> None:
        add(cli)

    return plugin(beatmeter_commands=beatmeter_commands)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_and_tested(name):
    documentation = inspect.getdoc(getattr(hookspecs, name))
    assert len(documentation.splitlines()) > 3
    manual = Path(__file__).parents[2].joinpath("docs", "plugins.md").read_text()
    assert f"`{name}(" in manual
    assert f"test_hook_{name}" in globals()


def test_hook_beatmeter_signals(point):
    loaded = build_plugins([point(offering(Constant("one"), Constant("two")))])
    ours = {n: s for n, s in loaded.signals.items() if s.plugin.name == "ours"}
    assert list(ours) == ["one", "two"]
    assert ours["one"].plugin.hooks == ("beatmeter_signals",)
    assert loaded.broken == {}


def test_installed_signals_stand_under_their_names_in_order(point, monkeypatch):
    loaded = build_plugins([point(offering(Constant("two"), Constant("one")))])
    monkeypatch.setattr(plugins, "load_plugins", lambda: loaded)
    signals = installed_signals()
    assert list(signals)[-2:] == ["two", "one"]
    assert all(signal.name == name for name, signal in signals.items())


def test_hook_beatmeter_commands(point):
    loaded = build_plugins([point(commanding(lambda cli: cli.add_command(click.Command("new"))))])
    cli = click.Group(commands={"old": click.Command("old")})
    add_commands(loaded, cli)
    assert {"old", "new"} <= set(cli.commands)
    assert loaded.broken == {}


def test_built_in_signals_enter_through_the_same_hook():
    loaded = build_plugins([])
    assert [p.name for p in loaded.plugins] == [BUILTIN]
    assert {s.plugin.name for s in loaded.signals.values()} == {BUILTIN}
    assert len(loaded.signals) >= 7


class Misspelt:
    @hookimpl
    def beatmeter_signal(self) -> list[object]:
        return []


class WrongArguments:
    @hookimpl
    def beatmeter_commands(self, group: click.Group) -> None: ...


def leave() -> None:
    sys.exit("I decide")


def fail() -> None:
    raise RuntimeError("two\nlines")


BROKEN = {
    "misspelt hook": (Misspelt(), "unknown hook 'beatmeter_signal'"),
    "wrong arguments": (WrongArguments(), "group"),
    "no hook": (ModuleType("plugin"), "implements no hook"),
    "unhashable": (SimpleNamespace(), "TypeError"),
    "raising hook": (plugin(beatmeter_signals=fail), "RuntimeError: two\\nlines"),
    "exiting hook": (plugin(beatmeter_signals=leave), "SystemExit: I decide"),
    "wrong object": (offering("a string"), "'a string' is not a Signal"),
    "class for an instance": (offering(Constant), "is not a Signal"),
    "signal name": (offering(Constant("Not a name")), "signal name 'Not a name'"),
    "not a list": (plugin(beatmeter_signals=lambda: 7), "TypeError"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_named_and_left_out_and_the_rest_load(point, what):
    sick, reason = BROKEN[what]
    healthy = point(offering(Constant("healthy")), "healthy")
    loaded = build_plugins([point(sick, "sick"), healthy])
    assert reason in loaded.broken["sick"]
    assert loaded.broken["sick"].isprintable()
    assert [p.name for p in loaded.plugins] == [BUILTIN, "healthy"]
    assert "healthy" in loaded.signals
    assert not loaded.manager.has_plugin("sick")


def test_a_plugin_that_cannot_be_imported_is_named_and_left_out():
    loaded = build_plugins([EntryPoint("sick", "no_such_module", "beatmeter")])
    assert loaded.broken == {"sick": "ModuleNotFoundError: No module named 'no_such_module'"}


def test_two_plugins_of_one_name_leave_the_first_working(point):
    first = point(offering(Constant("first")))
    second = EntryPoint("ours", "another_module", "beatmeter")
    loaded = build_plugins([first, second])
    assert "first" in loaded.signals
    assert loaded.broken == {"ours (another_module)": "another plugin is named 'ours'"}


def test_two_signals_of_one_name_are_refused(point):
    points = [point(offering(Constant("same")), name) for name in ("one", "two")]
    with pytest.raises(PluginError, match="'same' is offered by both 'one' and 'two'"):
        build_plugins(points)
    assert "same" in build_plugins(points, frozenset({"two"})).signals


def test_a_built_in_signal_cannot_be_replaced_unnoticed(point):
    name = next(iter(build_plugins([]).signals))
    with pytest.raises(PluginError, match=f"{name!r} is offered by both 'builtin' and 'ours'"):
        build_plugins([point(offering(Constant(name)))])


@pytest.mark.parametrize(
    ("value", "loaded"), [("", "ab"), ("b", "a"), (" a , b ", ""), ("all", ""), ("c", "ab")]
)
def test_disabled_plugins_are_left_out(point, monkeypatch, value, loaded):
    points = [point(offering(Constant(name)), name) for name in "ab"]
    monkeypatch.setenv("BEATMETER_DISABLE_PLUGINS", value)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    found = plugins.load_plugins.__wrapped__()
    assert [p.name for p in found.plugins] == [BUILTIN, *loaded]
    assert set(found.disabled) == set("ab") - set(loaded)


def test_a_plugin_whose_commands_fail_adds_none_and_the_rest_do(point):
    def half(cli: click.Group) -> None:
        cli.add_command(click.Command("half"))
        raise RuntimeError("oh")

    points = [
        point(commanding(half), "sick"),
        point(commanding(lambda cli: cli.add_command(click.Command("fine"))), "healthy"),
    ]
    loaded = build_plugins(points)
    cli = click.Group()
    add_commands(loaded, cli)
    assert set(cli.commands) == {"fine"}
    assert loaded.broken == {"sick": "RuntimeError: oh"}


def test_a_command_that_is_there_is_not_replaced(point):
    loaded = build_plugins([point(commanding(lambda cli: cli.add_command(click.Command("old"))))])
    mine = click.Command("old")
    cli = click.Group(commands={"old": mine})
    add_commands(loaded, cli)
    assert cli.commands == {"old": mine}
    assert loaded.broken == {"ours": "ValueError: command 'old' is there already"}
