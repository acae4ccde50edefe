from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.measure import score_training as tables
from simulator.measure.score_training import Fitted, Mean
from tests.conftest import Ended

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process")]

Train = Callable[..., tuple[int, str]]


@pytest.fixture
def train(casesim: Callable[..., Ended]) -> Train:
    def run(*words: object) -> tuple[int, str]:
        ended = casesim("scores", "train", *words)
        return ended.status, " ".join((ended.out + ended.err).split())

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere/labels.csv: there is no such file; pass the folder that holds labels.csv and images/"),
        ([".", "--model", "efficientnet_lite9"], "there is no model 'efficientnet_lite9'; did you mean 'efficientnet_lite"),
        ([".", "--precision", "int4"], "there is no precision 'int4'; expected one of: fp32, int8_dynamic, int8_static"),
    ],
)
def test_wrong_input_gets_a_sentence(train: Train, words: list[str], said: str) -> None:
    code, output = train(*words)
    assert (code, said in output) == (2, True), output


@pytest.mark.long
def test_tables_are_written_and_a_stop_says_what_is_kept(
    train: Callable[..., tuple[int, str]],
    tiny_lite: str,
    labelled: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "FITTED", {"tiny": Fitted(tiny_lite)})
    monkeypatch.setattr(tables, "MODELS", {"tiny": Mean(("tiny",))})
    folder, out = labelled(20), tmp_path / "out"
    code, output = train(folder, "--precision", "fp32", "--out", out)
    assert code == 0, output
    assert sorted(path.name for path in out.iterdir()) == ["pad_ufes20.tiny.fp32.csv", "pad_ufes20.tiny.fp32.yaml"]

    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tables, "logits_by_precision", stop)
    code, output = train(folder, "--precision", "int8_static", "--out", out)
    assert (code, "the same command resumes from there" in output) == (130, True), output
