"""The list of commands. A command's module is imported when it is called: listing them takes this file alone."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from simulator.cli.signals import at_once


class CommandEntry(NamedTuple):
    """A command in the list. place: `module:function` in this package; says: the first sentence of its help."""

    place: str
    says: str


#: The commands by name, in the order of the help.
COMMANDS = {
    "serve": CommandEntry(
        "serving.serve_command:serve", "Open the app in a browser, with your own cases beside those that come with CaseSim."
    ),
    "cases": CommandEntry(
        "cli.case_commands:cases",
        "List the cases; then, with exit status 2, print what is wrong with those that cannot be used.",
    ),
    "check": CommandEntry(
        "authoring.check_command:check",
        "Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault.",
    ),
    "new": CommandEntry(
        "authoring.new_command:new",
        "Write a case that passes `casesim check`, with comments that teach, and its schema for editors beside it.",
    ),
    "show": CommandEntry(
        "authoring.show_command:show",
        "Print the names in a case: metrics with units, stages, ends, choices, places to write, figures, curveballs, exhibits.",
    ),
    "schema": CommandEntry(
        "authoring.show_command:schema",
        "Print the JSON Schema (draft 7) of a case. An editor completes and explains keys by it, and marks wrong ones.",
    ),
    "lsp": CommandEntry(
        "authoring.studio.language_server:lsp",
        "Serve an editor over standard input and output: faults of a case as it is written, completion and hints.",
    ),
    "devices": CommandEntry(
        "authoring.evidence_commands:devices",
        "List the devices that a case may name: what each is, its price with source, and its measured and projected latencies.",
    ),
    "models": CommandEntry(
        "authoring.evidence_commands:models",
        "List the models that a case may name: precisions and devices, measured or projected, and the score tables.",
    ),
    "test": CommandEntry(
        "authoring.test_command:test",
        "Test a case: can it be won and not by accident, does each option have its use, and do its claims hold?",
    ),
    "lint": CommandEntry(
        "authoring.check_command:lint", "Check a case as `casesim check` does; exit status 1 also for a caution."
    ),
    "explain": CommandEntry(
        "authoring.check_command:explain",
        "Explain a code of `casesim check` with a wrong and a right example; without a code, list all codes.",
    ),
    "run": CommandEntry("practice.run_command:run", "Run a design and print its misses, waiting times and costs."),
    "levers": CommandEntry(
        "practice.levers_command:levers",
        "Try every choice one step either way from a design, and print what moves its objectives.",
    ),
    "sweep": CommandEntry(
        "tradeoffs.sweep_commands:sweep",
        "Run many designs of a case, over any of its choices and figures, and print their results.",
    ),
    "pareto": CommandEntry(
        "tradeoffs.sweep_commands:pareto",
        "Print the designs of a sweep that no other is known to beat in two to four metrics, and the gap to your own.",
    ),
    "best": CommandEntry(
        "tradeoffs.study_commands:best",
        "Search for the cheapest design that meets every objective; where none does, name the nearest misses.",
    ),
    "sensitivity": CommandEntry(
        "tradeoffs.study_commands:sensitivity",
        "Rank choices and figures by how far they move each metric (parametric sensitivity).",
    ),
    "capacity": CommandEntry(
        "tradeoffs.study_commands:capacity",
        "Print the most traffic within the objectives, the fewest servers for it, and the cost against the load.",
    ),
    "breakeven": CommandEntry(
        "tradeoffs.study_commands:breakeven",
        "Find which assumed or projected figures turn an answer within their range, and where it turns.",
    ),
    "report": CommandEntry(
        "practice.run_command:report",
        "Run a design and write brief, design, verdicts, charts, debrief, sources and command into one HTML file.",
    ),
    "evidence": CommandEntry(
        "sources.source_commands:evidence",
        "Compare every file of evidence with its manifest; exit status 1 if a file was changed, is missing or is not listed.",
    ),
    "monitor": CommandEntry(
        "monitors.monitor_command:monitor", "Test whether production differs from a reference; exit status 1 if it does."
    ),
    "incident": CommandEntry(
        "incident.incident_command:incident",
        "Play a production incident from a script; the command prints the cause once the script closes it.",
    ),
    "practice": CommandEntry(
        "you.practice_command:practice", "List, export, import or delete a visitor's sessions, incidents and runs."
    ),
    "profile": CommandEntry("measure.profile_command:profile", "Measure what models take on this machine, call by call."),
    "fidelity": CommandEntry(
        "measure.fidelity_command:fidelity",
        "Forecast, as intervals, what a real server on this machine will do, then run it, at many loads.",
    ),
    "projection": CommandEntry(
        "sources.source_commands:projection",
        "Print the errors of projected latencies on published points of held-out networks.",
    ),
    "proof": CommandEntry(
        "sources.source_commands:proof",
        "Print the hours that show a rate, or the trials that show a share, with 95% confidence.",
    ),
    "detect-eval": CommandEntry(
        "measure.detector_command:detect_eval",
        "Judge a detector on labelled images: AP with intervals, recall by height, on clean and corrupted images.",
    ),
    "pack": CommandEntry(
        "authoring.pack_command:pack",
        "Write a case, your own evidence that it uses and its test results into one file for `casesim install`.",
    ),
    "install": CommandEntry(
        "authoring.pack_command:install",
        "Show the contents, licences and test results of a pack, ask, then install all of it or nothing.",
    ),
    "audit": CommandEntry(
        "experiments.experiment_commands:audit",
        "Run a design, and print what an audit of the cleared would find, report and cost.",
    ),
    "canary": CommandEntry(
        "experiments.experiment_commands:canary",
        "Give a share of the people the design of --set, the others that of --against, and look every day.",
    ),
    "lab": CommandEntry(
        "datalab.datalab_command:lab",
        "Refit the skin case's head on other photos and labels; print its quality, its price, and the gap to proven labels.",
    ),
    "scores": CommandEntry("measure.score_command:scores", "List score tables, train them, or import and delete your own."),
}

_OPTIONS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False}


class _Later(TyperCommand):
    """A command with its name and one sentence of help; its module is imported when it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=COMMANDS[name].says, callback=None)

    def make_context(self, *words: Any, **extra: Any) -> Any:
        return loaded(str(self.name)).make_context(*words, **extra)


def loaded(name: str) -> Any:
    """Return a command with all its options, its module imported."""
    module, _, function = COMMANDS[name].place.partition(":")
    with at_once():
        gc.disable()  # what is imported stays: to search for garbage among it takes a tenth of the start
        try:
            command = getattr(import_module(f"simulator.{module}"), function)
        finally:
            gc.enable()
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    alone = typer.Typer(**_OPTIONS)
    alone.command(name)(with_fields(command))
    return typer.main.get_command(alone)


def with_fields(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has an option for each field of the dataclasses that the function takes, in their place."""
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: param.annotation for name, param in signature.parameters.items() if is_dataclass(param.annotation)
    }

    def command(**options: Any) -> None:
        for name, group in groups.items():
            options[name] = group(**{field.name: options.pop(field.name) for field in fields(group)})
        function(**options)

    params: list[inspect.Parameter] = []
    for name, param in signature.parameters.items():
        params += inspect.signature(groups[name], eval_str=True).parameters.values() if name in groups else [param]
    command.__doc__, command.__annotations__ = function.__doc__, {param.name: param.annotation for param in params}
    flat = [param.replace(kind=inspect.Parameter.KEYWORD_ONLY) for param in params]
    command.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
    return command


def _print_version(wanted: bool) -> None:
    if wanted:
        from simulator.engine.run import ENGINE_VERSION

        typer.echo(f"casesim {version('casesim')}, engine {ENGINE_VERSION}")
        raise typer.Exit


def casesim(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="print the versions and stop")
    ] = False,
) -> None:
    """Open the app when no command is given."""
    if context.invoked_subcommand is None:
        import_module("simulator.serving.serve_command").serve()


def call(words: list[str]) -> int:
    """Run a command line; return the exit status. Raises whatever stops it, typer's own errors included."""
    app = typer.Typer(help="Run an ML system design for computer vision. Without a command it opens the app.", **_OPTIONS)
    app.callback(invoke_without_command=True)(casesim)
    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    for name in COMMANDS:
        whole.add_command(_Later(name))
    try:
        with whole.make_context("casesim", words) as context:
            whole.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0
