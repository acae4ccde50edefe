"""The list of commands. A command's module is imported when it is called, and only read when the commands are listed."""

from __future__ import annotations

import ast
import gc
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from simulator.cli.signals import at_once

#: The commands in the order of the help, each with its place in this package: `module:function`.
COMMANDS = {
    "serve": "serving.serve_command:serve",
    "cases": "cli.case_commands:cases",
    "check": "authoring.check_command:check",
    "new": "authoring.new_command:new",
    "show": "authoring.show_command:show",
    "schema": "authoring.show_command:schema",
    "lsp": "authoring.studio.language_server:lsp",
    "devices": "authoring.evidence_commands:devices",
    "models": "authoring.evidence_commands:models",
    "test": "authoring.test_command:test",
    "lint": "authoring.check_command:lint",
    "explain": "authoring.check_command:explain",
    "run": "practice.run_command:run",
    "levers": "practice.levers_command:levers",
    "sweep": "tradeoffs.sweep_commands:sweep",
    "pareto": "tradeoffs.sweep_commands:pareto",
    "best": "tradeoffs.study_commands:best",
    "sensitivity": "tradeoffs.study_commands:sensitivity",
    "capacity": "tradeoffs.study_commands:capacity",
    "breakeven": "tradeoffs.study_commands:breakeven",
    "report": "practice.run_command:report",
    "evidence": "sources.source_commands:evidence",
    "monitor": "monitors.monitor_command:monitor",
    "incident": "incident.incident_command:incident",
    "practice": "you.practice_command:practice",
    "profile": "measure.profile_command:profile",
    "fidelity": "measure.fidelity_command:fidelity",
    "projection": "sources.source_commands:projection",
    "proof": "sources.source_commands:proof",
    "detect-eval": "measure.detector_command:detect_eval",
    "pack": "authoring.pack_command:pack",
    "install": "authoring.pack_command:install",
    "audit": "experiments.experiment_commands:audit",
    "canary": "experiments.experiment_commands:canary",
    "lab": "datalab.datalab_command:lab",
    "scores": "measure.score_command:scores",
}

_OPTIONS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False}


class _Commands(TyperGroup):
    """The list of commands, whose sentences are read when it is shown."""

    def format_help(self, *how: Any) -> None:
        for name, command in self.commands.items():
            command.help = summary_of(name)
        super().format_help(*how)


def summary_of(name: str) -> str:
    """Return the first sentence of a command's help as its source has it: to import every module takes seconds."""
    module, _, function = COMMANDS[name].partition(":")
    source = Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.parse(source.read_bytes()).body:
        match node:
            case ast.FunctionDef(name=defined) if defined == function:
                return (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
            case ast.Assign(targets=[ast.Name(id=defined)], value=ast.Call(keywords=options)) if defined == function:
                return str(next(ast.literal_eval(option.value) for option in options if option.arg == "help"))
    raise LookupError(COMMANDS[name])


class _Later(TyperCommand):
    """A command whose module is imported when it is called."""

    def make_context(self, *words: Any, **extra: Any) -> Any:
        return loaded(str(self.name)).make_context(*words, **extra)


def loaded(name: str) -> Any:
    """Return a command with all its options, its module imported."""
    module, _, function = COMMANDS[name].partition(":")
    with at_once():
        gc.disable()  # what is imported stays: to search for garbage among it takes a tenth of the start
        try:
            command = getattr(import_module(f"simulator.{module}"), function)
        finally:
            gc.enable()
    if isinstance(command, typer.Typer):
        for part in command.registered_commands:
            part.callback = with_fields(part.callback) if part.callback else None
        return typer.main.get_command(command)
    alone = typer.Typer(**_OPTIONS)
    alone.command(name)(with_fields(command))
    return typer.main.get_command(alone)


def with_fields(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has an option for each field of the dataclasses that the function takes, in their place.

    A text beside a type is a help: beside that of a parameter the help of an argument, beside that of a field of an option.
    """
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
        if name in groups:
            params += _options(groups[name])
        else:
            params.append(param.replace(annotation=_with_help(param.annotation, partial(typer.Argument, show_default=False))))
    command.__doc__, command.__annotations__ = function.__doc__, {param.name: param.annotation for param in params}
    flat = [param.replace(kind=inspect.Parameter.KEYWORD_ONLY) for param in params]
    command.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
    return command


def _options(group: type) -> Iterator[inspect.Parameter]:
    """Yield the options of a dataclass; a truth value with a text alone is a flag without its opposite."""
    hints = get_type_hints(group, include_extras=True)
    for name, param in inspect.signature(group).parameters.items():
        flag = [f"--{name.replace('_', '-')}"] if getattr(hints[name], "__origin__", None) is bool else []
        yield param.replace(annotation=_with_help(hints[name], partial(typer.Option, *flag)))


def _with_help(hint: Any, kind: Callable[..., Any]) -> Any:
    match getattr(hint, "__metadata__", None):
        case (str(text),):
            return Annotated[hint.__origin__, kind(help=text)]
    return hint


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
        serving = import_module("simulator.serving.serve_command")
        serving.serve(options=serving.ServeOptions())


def call(words: list[str]) -> int:
    """Run a command line; return the exit status. Raises whatever stops it, typer's own errors included."""
    app = typer.Typer(
        help="Run an ML system design for computer vision. Without a command it opens the app.", cls=_Commands, **_OPTIONS
    )
    app.callback(invoke_without_command=True)(casesim)
    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    for name in COMMANDS:
        whole.add_command(_Later(name, callback=None))
    try:
        with whole.make_context("casesim", words) as context:
            whole.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0
