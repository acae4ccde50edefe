"""Scores of one's own: what is accepted becomes a table that a case can name, and each fault has its sentence."""

import pytest

from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.score_import import ImportFaultError, ImportOptions, import_scores, read_table
from simulator.evidence.score_tables import check_paired, load_scores, score_names, score_rows
from simulator.limits import SCORE_ROWS

OTHERWISE = {"model": "t", "precision": "fp32"}


def table(*lines, header="id,group,label,score", good=60):
    """A CSV with as many good rows, half of them positive, before the lines given; the first of those is line `good` + 2."""
    rows = [f"a{number},g{number // 2},{number % 2},{0.2 + 0.01 * (number % 60):.2f}" for number in range(good)]
    return "\n".join([header, *rows, *lines, ""]).encode()


def faults(content, given=None):
    with pytest.raises(ImportFaultError) as caught:
        read_table("t.csv", content, given or {}, OTHERWISE)
    assert str(caught.value).splitlines() == caught.value.sentences
    return caught.value.sentences


ONLY_ONES = table().replace(b",0,", b",1,")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (ONLY_ONES, "t.csv: label: has the label 1 only; both classes are needed"),
        (table().replace(b",1,", b",0,"), "t.csv: label: has the label 0 only; both classes are needed"),
        (table("b,g,1,NaN"), "t.csv:62: score: 'NaN' is not a number; every row needs a score from 0 to 1"),
        (table("b,g,1,"), "t.csv:62: score: is empty; every row needs a score from 0 to 1"),
        (table("b,g,1,high"), "t.csv:62: score: 'high' is not a number; every row needs a score from 0 to 1"),
        (table("b,g,1,1.7"), "t.csv:62: score: '1.7' lies outside 0 to 1; if these are logits, apply a sigmoid first"),
        (table("b,g,0,-0.1"), "t.csv:62: score: '-0.1' lies outside 0 to 1; if these are logits, apply a sigmoid first"),
        (table("b,g,0,inf"), "t.csv:62: score: 'inf' lies outside 0 to 1; if these are logits, apply a sigmoid first"),
        (table("a7,g,0,0.5"), "t.csv:62: item: 'a7' stands on line 9 already; an item has one row for a model and precision"),
        (table(good=20), "t.csv: label: has 10 positives; at least 30 are needed for an interval that says anything"),
        (
            table("b,g,2,0.5"),
            "t.csv:62: label: '2' is no label; write 1 or true for a positive, 0 or false for a negative",
        ),
        (
            table("b,g,,0.5"),
            "t.csv:62: label: is empty; write 1 or true for a positive, 0 or false for a negative",
        ),
        (table("b,,1,0.5"), "t.csv:62: patient: is empty; leave the whole column out if it is not known"),
        (table(header="id,group,lable,score"), "t.csv:1: lacks the column 'label'; is it 'lable'?"),
        (table(header="id,group,label,x"), "t.csv:1: lacks the column 'score'; there are: id, group, label, x"),
        (table(header="id,score,label,score"), "t.csv:1: the column 'score' stands there twice"),
        (table(header="id,model,label,score").replace(b",g", b",my net "),
         "t.csv:2: model: 'my net 0' is no name; use letters, digits, _ and -, at most 60"),
        (table("b,g,1"), "t.csv:62: has 3 cells where the header has 4"),
        (table(header="id,fitzpatrick,label,score").replace(b",g", b",7"),
         "t.csv:2: fitzpatrick: '70' is not a whole number from 1 to 6; leave the cell empty where it is not known"),
        (b"label;score\n1;0.5\n", "t.csv:1: is separated by semicolons; use commas"),
        (b"label,score\n", "t.csv: has a header but no rows"),
        (b"\n \n", "t.csv: is empty; a header with label and score is needed, and one row per item"),
        (b"", "t.csv: is empty; a header with label and score is needed, and one row per item"),
        ("Möle,label,score\n".encode("latin-1"), "t.csv: is not UTF-8: byte 0xf6 at 1; save it as CSV in UTF-8"),
        (b"label,score\n1,\0\n", "t.csv: is no CSV: it holds binary data"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(content, sentence):
    assert sentence in faults(content)


def test_all_faults_are_told_each_where_it_stands():
    told = faults(table("a7,g,1,0.5", "b,g,maybe,1.7", "c,g,0,"))
    assert [sentence.split(": ")[:2] for sentence in told] == [
        ["t.csv:63", "label"],
        ["t.csv:63", "score"],
        ["t.csv:64", "score"],
        ["t.csv:62", "item"],
    ]


def test_of_many_alike_a_few_are_told_and_the_rest_is_counted():
    told = faults(table(*(f"b{number},g,1,{number + 2}" for number in range(1000))))
    assert [sentence.split(":")[1] for sentence in told[:3]] == ["62", "63", "64"]
    assert told[3:] == ["t.csv: score: 997 more like the last one"]


def test_a_table_without_end_is_refused():
    content = b"label,score\n" + b"1,0.5\n" * (SCORE_ROWS.most + 1)
    assert faults(content)[0] == "t.csv: has more than 200,000 rows, the most that are read"


def test_a_model_that_the_file_names_is_not_named_again():
    content = table(header="id,model,label,score")
    assert faults(content, {"model": "x"}) == ["t.csv:1: has a column 'model' of its own; leave out --model"]


@pytest.mark.parametrize(("label", "means"), [("true", 1), ("FALSE", 0), ("1.0", 1), ("0.0", 0)])
def test_labels_are_written_in_several_ways(label, means):
    (rows,) = read_table("t.csv", table(f"b,g,{label},0.5"), {}, OTHERWISE).groups.values()
    assert [row["label"] for row in rows if row["item"] == "b"] == [means]


def test_an_import_is_a_table_like_any_other(tmp_path):
    content = b"\xef\xbb\xbf" + table().replace(b"id,group,label,score", b"ID, Group ,Label,Score").replace(b"\n", b"\r\n")
    made = import_scores("/somewhere/my net.csv", content, ImportOptions(source="a study"), tmp_path)
    assert made.names == ["mine.my_net.fp32"] == score_names(tmp_path)
    loaded, rows = load_scores("mine.my_net.fp32", tmp_path), score_rows("mine.my_net.fp32", tmp_path)
    assert (loaded.about.items, loaded.about.positives, loaded.about.patients, loaded.about.origin) == (60, 30, 30, "imported")
    assert loaded.about.source == "a study"
    assert rows["patient"].nunique() == 30
    assert rows["score"].sum() == pytest.approx(sum(0.2 + 0.01 * number for number in range(60)))
    assert rows["fold"].isna().all()


def test_a_file_of_several_models_and_precisions_becomes_a_table_each_on_the_same_items(tmp_path):
    header = "id,group,label,score,model,precision"
    rows = [line for line in table().decode().splitlines()[1:] if line]
    both = [f"{row},net,{precision}" for precision in ("fp32", "int8_static") for row in rows]
    made = import_scores("t.csv", "\n".join([header, *both]).encode(), ImportOptions("clinic"), tmp_path)
    assert made.names == ["clinic.net.fp32", "clinic.net.int8_static"]
    check_paired(*(load_scores(name, tmp_path) for name in made.names))


def test_a_group_too_small_is_named():
    rows = [f"1,0.5,{model}" for model in ("a", "b") for _ in range(30)] + ["0,0.1,a", "0,0.2,b", "1,0.7,c", "0,0.2,c"]
    told = faults("\n".join(["label,score,model", *rows]).encode())
    assert told == ["t.csv: label: c at fp32 has 1 positive; at least 30 are needed for an interval that says anything"]


def test_columns_that_nothing_reads_are_told(tmp_path):
    made = import_scores("t.csv", table(header="id,patients,label,score"), ImportOptions(), tmp_path)
    assert made.unread == ["patients"]


def test_what_is_there_is_left_unless_told_otherwise_and_what_is_shipped_always(tmp_path):
    import_scores("t.csv", table(), ImportOptions(), tmp_path)
    before = (tmp_path / "mine.t.fp32.csv").read_bytes()
    with pytest.raises(EvidenceError, match=r"'mine\.t\.fp32' is there already; --overwrite replaces it"):
        import_scores("t.csv", table("b,g,1,0.5"), ImportOptions(), tmp_path)
    assert (tmp_path / "mine.t.fp32.csv").read_bytes() == before
    import_scores("t.csv", table("b,g,1,0.5"), ImportOptions(overwrite=True), tmp_path)
    assert load_scores("mine.t.fp32", tmp_path).about.items == 61
    with pytest.raises(EvidenceError, match=r"'mine\.t\.fp32' comes with CaseSim"):
        import_scores("t.csv", table(), ImportOptions(overwrite=True), tmp_path / "own", shipped=tmp_path)


@pytest.mark.parametrize(
    "options",
    [ImportOptions(dataset="../etc"), ImportOptions(model="a b"), ImportOptions(precision="fp.32"), ImportOptions(dataset="")],
)
def test_a_name_that_cannot_be_a_files_is_refused(options, tmp_path):
    with pytest.raises(EvidenceError, match="is no name; use letters, digits"):
        import_scores("t.csv", table(), options, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_a_fault_leaves_nothing_behind(tmp_path):
    with pytest.raises(ImportFaultError):
        import_scores("t.csv", table("b,g,1,2"), ImportOptions(), tmp_path / "own")
    assert not (tmp_path / "own").exists()
