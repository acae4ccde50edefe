"""What reading and writing evidence have in common: a fault told in one line, a file written in one step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Content = TypeVar("Content")


def first_fault(path: Path, error: ValidationError) -> str:
    """The file, the field and what is wrong with it, for the first fault found."""
    first = error.errors()[0]
    return ": ".join(part for part in (str(path), ".".join(map(str, first["loc"])), first["msg"]) if part)


def read_yaml(path: Path, adapter: TypeAdapter[Content], refusal: type[Exception]) -> Content:
    """What stands in a YAML file; raises `refusal` with the path and, where there is one, the field that is at fault."""
    try:
        return adapter.validate_python(YAML(typ="safe", pure=True).load(path))
    except ValidationError as error:
        raise refusal(first_fault(path, error)) from error
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise refusal(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """A place to write what belongs at `path`: a reader sees the old file or the whole new one, whatever happens.

    The folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
