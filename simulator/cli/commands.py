"""The list of commands. A command's module is imported when it is called, and only read when the commands are listed."""

from __future__ import annotations

import ast
import gc
import inspect
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from simulator.cli.signals import at_once

#: The commands in the order of the help, each with its place in this package: `module:function`, or a dataclass.
COMMANDS = {
    "serve": "serving.serve_command:ServeCommand",
    "cases": "cli.case_commands:cases",
    "check": "authoring.check_command:CheckCommand",
    "new": "authoring.new_command:NewCommand",
    "show": "authoring.show_command:show",
    "schema": "authoring.show_command:schema",
    "lsp": "authoring.studio.language_server:lsp",
    "devices": "authoring.evidence_commands:devices",
    "models": "authoring.evidence_commands:models",
    "test": "authoring.test_command:TestCommand",
    "lint": "authoring.check_command:LintCommand",
    "explain": "authoring.check_command:explain",
    "run": "practice.run_command:RunCommand",
    "levers": "practice.levers_command:LeversCommand",
    "sweep": "tradeoffs.sweep_commands:SweepCommand",
    "pareto": "tradeoffs.sweep_commands:ParetoCommand",
    "best": "tradeoffs.study_commands:BestCommand",
    "sensitivity": "tradeoffs.study_commands:SensitivityCommand",
    "capacity": "tradeoffs.study_commands:CapacityCommand",
    "breakeven": "tradeoffs.study_commands:BreakevenCommand",
    "report": "practice.run_command:ReportCommand",
    "evidence": "sources.source_commands:evidence",
    "monitor": "monitors.monitor_command:MonitorCommand",
    "incident": "incident.incident_command:IncidentCommand",
    "practice": "you.practice_command:practice",
    "profile": "measure.profile_command:profile",
    "fidelity": "measure.fidelity_command:FidelityCommand",
    "projection": "sources.source_commands:projection",
    "proof": "sources.source_commands:ProofCommand",
    "detect-eval": "measure.detector_command:detect_eval",
    "pack": "authoring.pack_command:PackCommand",
    "install": "authoring.pack_command:InstallCommand",
    "audit": "experiments.experiment_commands:AuditCommand",
    "canary": "experiments.experiment_commands:CanaryCommand",
    "lab": "datalab.datalab_command:LabCommand",
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
            case ast.FunctionDef(name=defined) | ast.ClassDef(name=defined) if defined == function:
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


def with_fields(command: Any) -> Callable[..., None]:
    """Return a function for typer: a command with an option for each of its parameters; a dataclass of options has its fields.

    A command is a function, or a dataclass of options that runs. A text beside a type is the help: of an argument if the
    parameter has no default, of an option if it has one. Of two texts the first says how it is written: `--set CHOICE=OPTION`.
    """
    params = list(_params(command))

    def function(**options: Any) -> None:
        made = _filled(command, options)
        if is_dataclass(command):
            made.run()

    function.__doc__, function.__annotations__ = command.__doc__, {param.name: param.annotation for param in params}
    function.__signature__ = inspect.Signature(params)  # type: ignore[attr-defined]
    return function


def _hints(command: Any) -> dict[str, Any]:
    """Return the types of the parameters of a command or of the fields of a dataclass, with all that stands beside them."""
    hints = get_type_hints(command, include_extras=True)
    return {name: hints[name] for name in inspect.signature(command).parameters}


def _filled(command: Any, options: dict[str, Any]) -> Any:
    hints = _hints(command).items()
    return command(**{name: _filled(hint, options) if is_dataclass(hint) else options[name] for name, hint in hints})


def _params(command: Any) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a command; a truth value with a text alone is a flag without its opposite."""
    params = inspect.signature(command).parameters
    for name, hint in _hints(command).items():
        if is_dataclass(hint):
            yield from _params(hint)
        else:
            yield params[name].replace(annotation=_described(params[name], hint), kind=inspect.Parameter.KEYWORD_ONLY)


def _described(param: inspect.Parameter, hint: Any) -> Any:
    match getattr(hint, "__metadata__", ()):
        case (str(text),):
            words: list[str] = []
        case (str(usage), str(text)):
            words = usage.split()
        case _:
            return hint
    names, metavar = [word for word in words if word.startswith("-")], next((word for word in words if word[0] != "-"), None)
    if param.default is inspect.Parameter.empty:
        return Annotated[hint.__origin__, typer.Argument(metavar=metavar, help=text, show_default=False)]
    if not names and hint.__origin__ is bool:
        names = [f"--{param.name.replace('_', '-')}"]
    return Annotated[hint.__origin__, typer.Option(*names, metavar=metavar, help=text)]


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
        import_module("simulator.serving.serve_command").ServeCommand().run()


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
