"""Broken thesis files: the line, the words, all at once, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import AssayError, ThesisError, UsageError
from engine.thesis.reader import read
from tests.thesis_words import GOOD, problems, thesis, words


def line_of(text: str, fragment: str) -> int:
    """Return the line on which a fragment first stands."""
    assert fragment in text
    return text.count("\n", 0, text.index(fragment)) + 1


#: What is replaced in the good file, by what, the fragment on whose line the problem
#: must be reported, and words of its message.
BROKEN: list[tuple[str, str, str, tuple[str, ...]]] = [
    # keys
    ("capital =", "captial =", "captial", ("[execution]", "did you mean 'capital'?")),
    ("capital = 10_000_000", "max_weight = 0.1", "max_weight = 0.1\n\n[[events]]",
     ("unknown key 'max_weight'", "it belongs in [portfolio]")),
    ("[scoring]", "[scorin]", "[scorin]", ("'scorin'", "did you mean 'scoring'?")),
    ("[thesis]", "[about]", "[about]", ("unknown key 'about'",)),
    ("end = 2026-06-30\n", "", "[thesis]", ("the key 'end' is missing",)),
    ("at = 2025-01-27\n", "", "[[events]]", ("'selloff' at", "is missing")),
    # numbers and texts
    ("0.10", '"abc"', "abc", ("max_weight: expected a number, found 'abc'",)),
    ("0.10", '"0.10"', '"0.10"', ("write 0.10 without quotes",)),
    ("0.10", "true", "max_weight", ("expected a number, found true",)),
    ("0.10", "10", "max_weight", ("at most 1, found 10", "write 0.1 for 10 %")),
    ("0.10", "nan", "max_weight", ("expected a finite number",)),
    ("10_000_000", "-1", "capital", ("a number above 0, found -1",)),
    ("10_000_000", "0x" + "9" * 5000, "capital", ("thousands of digits",)),
    ('id = "ends"', "id = 7", "id = 7", ("expected text in quotes, found 7",)),
    ('id = "ends"', 'id = "my ends"', "my ends", ("for example 'my-ends'",)),
    ('"Hold both ends"', '""', "title", ("expected some text",)),
    ('"Hold both ends"', '"Hold\\both"', "title", ("control character",)),
    ('"90d"', "90", "half_life", ('write "90d"',)),
    ('"90d"', '"3m"', "half_life", ('days such as "90d"', "found '3m'")),
    ('"90d"', '"0d"', "half_life", ('days such as "90d"',)),
    ('"mean_variance"', '"mean_varience"', "objective",
     ("found 'mean_varience'", "did you mean 'mean_variance'?")),
    # dates
    ("end = 2026-06-30", "end = 2022-06-30", "end =",
     ("end 2022-06-30 is not after start 2023-01-03",)),
    ("end = 2026-06-30", 'end = "soon"', "soon", ("expected a date",)),
    ("end = 2026-06-30", "end = 20260630", "end =", ("expected a date",)),
    ("end = 2026-06-30", "end = 9999-12-31", "end =", ("between 1950 and 2100",)),
    ("end = 2026-06-30", "end = 2026-06-30T00:00:00Z", "end =",
     ("leave the time out",)),
    ("at = 2025-01-27\n", "at = 2025-01-27T09:30:00\n", "09:30", ("no time zone",)),
    ("at = 2025-01-27\n", "at = 09:30:00\n", "09:30", ("expected a date",)),
    # names
    ('"USD"', '"usd"', "currency", ("unknown currency", "did you mean 'USD'?")),
    ('"XNYS"', '"NYSE"', "calendar", ("unknown calendar", "did you mean 'XNYS'?")),
    ('"SPY", "SMH"', '"SPYY", "SMH"', "benchmarks",
     ("unknown benchmark 'SPYY'", "did you mean 'SPY'?")),
    ('"688256.SH"', '"688256.SX"', "exclude", ("unknown ticker or entity",)),
    ('"sk_hynix"', '"sk_hinix"', "exclude", ("did you mean 'sk_hynix'?",)),
    ("token_share =", "token_shar =", "token_shar =", ("did you mean 'token_share'?",)),
    ('"price_momentum"', '"price_momentun"', "price_momentun",
     ("unknown factor", "did you mean 'price_momentum'?")),
    ("weeks = 8", "week = 8", "week = 8", ("params.week", "did you mean 'weeks'?")),
    ("weeks = 8", "weeks = 8.5", "weeks", ("params.weeks: expected a whole number",)),
    ("weeks = 8", 'entities = ["a", 1]', "entities", ("item 2: expected text",)),
    ("cloud = 1.0,", "clod = 1.0,", "clod", ("exposure.clod", "'cloud'?")),
    ('    "cloud",', '    "clout",', "clout",
     ("layers item 1: unknown layer 'clout'",)),
    ('    "application",', '    "aplication",', "aplication", ("'application'?",)),
    ("memory = [0.05", "memori = [0.05", "memori", ("did you mean 'memory'?",)),
    ('reaction = { compute', "reaction = { komputer", "komputer", ("unknown layer",)),
    ('{ compute = "-" }', '{ compute = "up" }', "reaction",
     ("expected '+' or '-', found 'up'",)),
    ('{ compute = "-" }', "{ compute = -1 }", "reaction", ("found -1", "in quotes")),
    ('[["compute", "labs"]]', '[["compute", "lab"]]', "contrasts", ("'labs'?",)),
    ('"event_contrast"', '"event_kontrast"', "event_kontrast",
     ("unknown claim test", "did you mean 'event_contrast'?")),
    ('event = "selloff"', 'event = "seloff"', "seloff", ("did you mean 'selloff'?",)),
    ('short = "labs"', 'short = "middel"', "middel", ("did you mean 'middle'?",)),
    ('short = "labs"', 'shrt = "labs"', "shrt", ("did you mean 'short'?",)),
    ("window = [2, 120]\n", "", '[[claims]]\nid = "right-layer"',
     ("the key 'window' of the test 'event_contrast' is missing",)),
    ("infrastructure alone", "infrastucture alone", "infrastucture",
     ("unknown path", "did you mean 'infrastructure alone'?")),
    ('role = "token_share"', 'role = "token_sher"', "token_sher", ("unknown role",)),
    ("above = 0.5", 'above = "half"', '"half"', ("above: expected a number",)),
    ("above = 0.5\n", "", '[[claims]]\nid = "share"',
     ("give either 'above' or 'below'",)),
    ("above = 0.5", 'above = 0.5\nentity = "deepsek"', "deepsek", ("'deepseek'?",)),
    ('says = "The barbell', 'mirrors = "right-leyer"\nsays = "The barbell',
     "mirrors", ("unknown claim", "did you mean 'right-layer'?")),
    ('lines = "primary"', 'name = "ai-stak"', "ai-stak", ("unknown universe",)),
    # shapes
    ("[thesis]", "[[thesis]]", "[[thesis]]", ("write [thesis], once",)),
    ('layers = ["labs"]', 'layers = "labs"', 'layers = "labs"', ('write ["labs"]',)),
    ('layers = ["labs"]', "layers = []", "layers = []", ("at least one entry",)),
    ("params = { weeks = 8 }", "params = 8", "params", ("expected a table, found 8",)),
    ("[0.00, 0.05]", "[0.05]", "[0.05]", ("expected two values, found [0.05]",)),
    ("[0.00, 0.05]", "[0, 0.1, 1]", "[0, 0.1, 1]", ("expected two values",)),
    ("[[0, 0], [2, 120]]", "[0, 1]", "windows", ("double brackets: [[0, 1]]",)),
    ("[[0, 0], [2, 120]]", "[[0, 1.5]]", "windows", ("item 1 item 2", "found 1.5")),
    # what does not agree
    ("[0.00, 0.05]", "[0.05, 0.00]", "[0.05, 0.00]", ("minimum above its maximum",)),
    ("[0.00, 0.05]", "[0.30, 0.50]", "[0.30, 0.50]",
     ("weights that cannot sum", "0.4 + 0.4 + 0.3 = 1.1")),
    ("max_weight = 0.10", "cash = [0.3, 1.0]", "[0.00, 0.05]",
     ("weights that cannot sum", "and of cash", "= 1.1")),
    ("[0.05, 0.30]", "[0.70, 0.80]", "memory = [0.7", ("its leg holds at most 0.6",)),
    ('layers = ["labs"]', 'layers = ["cloud"]', 'layers = ["cloud"]',
     ("already in the leg 'distribution', line 37",)),
    ("[barbell.middle]", "[barbell.cloud]", "[barbell.cloud]", ("name of a layer",)),
    ("[-260, -11]", "[-260, 5]", "estimation", ("overlaps", "starts at session 0")),
    ("[-260, -11]", "[-20, -11]", "estimation", ("has 10 sessions", "at least 20")),
    ("[-260, -11]", "[-11, -260]", "estimation", ("ends before it starts",)),
    ("[[0, 0], [2, 120]]", "[[-20, 1]]", "estimation", ("starts at session -20",)),
    ("[[0, 0], [2, 120]]", "[[2, 0]]", "windows", ("ends before it starts",)),
    ("[[0, 0], [2, 120]]", "[[0, 0], [0, 0]]", "windows", ("item 2", "twice")),
    ("[[0, 0], [2, 120]]", "[[0, 99999]]", "windows", ("at most 5000",)),
    ('[["compute", "labs"]]', '[["labs", "labs"]]', "contrasts", ("with itself",)),
    ('short = "labs"', 'short = "compute"', 'short = "compute"', ("with itself",)),
    ("window = [2, 120]\n", "window = [120, 2]\n", "[120, 2]", ("ends before",)),
    ('id = "release"', 'id = "selloff"', 'id = "selloff"\ntitle = "The release"',
     ("already taken, line 55",)),
    ('id = "ends-win"', 'id = "right-layer"', 'id = "right-layer"\nsays = "The bar',
     ("already taken, line 70",)),
    ("exposure = { cloud = 1.0, labs = -1.0 }\n", "", "[[factors]]",
     ("is a state factor and has no exposure",)),
    ("weight = 0.2", "weight = 0.2\nexposure = { labs = 1.0 }", "exposure = { labs",
     ("is an asset factor", "leave 'exposure' out")),
    ("weight = 0.2", "weight = 0.2\nparams = { sessions = 5 }", "sessions = 5",
     ("params.sessions", "more than skip = 21")),
    ('exclude = ["688256.SH"', 'include = ["688256.SH"]\nexclude = ["688256.SH"',
     "exclude", ("both included and excluded",)),
    ("max_weight = 0.10", "window = 30", "[portfolio]", ("min_history 60 is more",)),
    # what a setting of [portfolio] or [execution] is about
    ("[0.05, 0.30] }", "[0.05, 0.30] }\ncurrencies = { HKDD = [0.0, 0.1] }", "HKDD",
     ("currencies.HKDD: unknown currency 'HKDD'; did you mean 'HKD'?",)),
    ("[0.05, 0.30] }", "[0.05, 0.30] }\ncountries = { HKG = [0.0, 0.1] }", "HKG",
     ("countries.HKG: unknown country 'HKG'; did you mean 'HK'?",)),
    ("10_000_000", '1\nlots = { "688256.SX" = 100 }', "688256.SX",
     ("unknown symbol '688256.SX'", "did you mean '688256.S")),
    ("10_000_000", '1\nlots = { "688256.SH" = 100 }', "lots",
     ("unknown symbol '688256.SH'", "write '688256.SS', as prices call it")),
    ("10_000_000", "1\nwithholding = { XHKQ = 0.1 }", "XHKQ",
     ("unknown exchange 'XHKQ'; did you mean 'XHKG'?",)),
    ("10_000_000", "1\ncash_rates = { HKDD = 0.1 }", "HKDD",
     ("cash_rates.HKDD: unknown currency", "did you mean 'HKD'?")),
    ("10_000_000", "1\noverdraft_rates = { KWR = 0.1 }", "KWR",
     ("overdraft_rates.KWR: unknown currency", "did you mean 'KRW'?")),
    ("10_000_000", "1\nborrow_rates = { EURR = 0.1 }", "EURR",
     ("borrow_rates.EURR: unknown currency 'EURR'; known are CNY, HKD",)),
    ("10_000_000", '1\n[[execution.charges]]\nitem = "x"\nmarkets = ["XHKQ"]', "XHKQ",
     ("charges item 1 markets item 1: unknown exchange 'XHKQ'", "'XHKG'?")),
    ("10_000_000",
     '1\n[[execution.charges]]\nitem = "stamp dutty"\nmarkets = ["XHKG"]',
     "stamp dutty", ("unknown item 'stamp dutty'; did you mean 'stamp duty'?",)),
    ("10_000_000", '1\n[[execution.charges]]\nitem = "x"\nmarkets = ["XHKG"]\n'
     "effective_from = 2024-06-01\neffective_to = 2024-01-01", "effective_to",
     ("effective_to 2024-01-01 is before effective_from 2024-06-01",)),
    # not TOML
    ("[portfolio]", "[portfolio", "[portfolio", ("syntax", "close the bracket")),
    ('"Hold both ends"', "Hold", "title", ("syntax", "put text in quotes")),
    ('"Hold both ends"', "“Hold”", "title", ("straight quotes",)),
    ('"Hold both ends"', '"Hold', "title", ("close the quotes",)),
    ('"Hold both ends"', '"""Hold', "title", ("three quotes",)),
    ('"Hold both ends"', '"C:\\new\\q"', "title", ("double every backslash",)),
    ("2023-01-03", "2023-1-3", "start", ("two digits",)),
    ("2023-01-03", "2023-02-30", "start", ("a date that exists",)),
    ("2023-01-03", "03.01.2023", "start", ("write dates as 2025-01-27",)),
    ("weight = 0.2", "weight = 0,2", "weight = 0,2", ("decimals with a point",)),
    ("weight = 0.2", "weight = .2", "weight = .2", ("zero before the point",)),
    ("weight = 0.2", "weight = 20%", "weight = 20%", ("0.05 for 5 %",)),
    ("weight = 0.2", "weight: 0.2", "weight: 0.2", ("not a colon",)),
    ("weight = 0.2", "weight =", "weight =\n", ("a value after the = sign",)),
    ("weight = 0.2", "weight = 0.2\nweight = 0.3", "weight = 0.3\n\n[scoring",
     ("there already", "keep one")),
    ("weight = 0.2", "weight = " + "9" * 5000, "weight = 999", ("thousands",)),
    ('["688256.SH", "sk_hynix"]', "[0700.HK]", "0700", ("put text in quotes",)),
    ('"sk_hynix"]', '"sk_hynix"', "[signals]", ("close the list",)),
    ("[execution]", "[thesis]", "[thesis]\ncapital", ("there already",)),
    ("[[events]]", "[events]", "[[events]]", ("write [[events]] above each one",)),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "at", "said"), BROKEN)
def test_one_fault_is_named_at_its_line(
    old: str, new: str, at: str, said: tuple[str, ...]
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = problems(text)
    place = f"{line_of(text, at)}: "
    assert any(
        one.startswith(place) and all(word in one for word in said) for one in found
    ), "\n".join(found)


def test_the_good_file_is_good() -> None:
    assert problems(GOOD) == []


def test_faults_of_every_kind_come_at_once_in_the_order_of_lines() -> None:
    text = GOOD
    for old, new in (
        ("end = 2026-06-30", "end = 2020-06-30"),  # values that do not agree
        ('"price_momentum"', '"price_momentun"'),  # a name
        ('layers = ["labs"]', 'layers = ["labz"]'),  # a name below a broken table
        ("0.10", '"abc"'),  # a type
        ("capital =", "captial ="),  # a key
        ('event = "selloff"', 'event = "seloff"'),  # a reference
        ("[0.00, 0.05]", "[0.30, 0.50]"),  # a sum
    ):
        text = text.replace(old, new, 1)
    found = problems(text)
    assert [int(one.split(":")[0]) for one in found] == [8, 25, 43, 44, 48, 52, 74]
    with pytest.raises(ThesisError) as caught:
        thesis(text)
    assert str(caught.value).count("\n") == 6
    assert str(caught.value).startswith("thesis.toml:8: [thesis] end: ")


def test_names_are_checked_without_the_universe() -> None:
    """Then what only a universe knows is left alone."""
    text = GOOD.replace('lines = "primary"', 'name = "nowhere"', 1)
    text = text.replace('"price_momentum"', '"price_momentun"', 1)
    found = problems(text.replace('"labs"]', '"labz"]', 1))
    assert [one.split(": ")[0] for one in found] == ["12", "25"]
    assert "unknown universe 'nowhere'" in found[0]


def test_lists_of_tables_written_once_with_single_brackets() -> None:
    found = problems(
        '[thesis]\nid="a"\ntitle="b"\nstart=2023-01-03\nend=2024-01-03\n'
        '[barbell]\nlayers=["labs"]\nweight=[0,1]\n[factors]\nname="volatility"\n'
    )
    assert "give the leg a name: [barbell.NAME]" in found[0]
    assert found[-1].startswith("9: [factors]: expected a list of tables")
    assert "[[factors]]" in found[-1]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_says_so(text: str) -> None:
    (found,) = problems(text)
    assert "it is empty" in found
    assert "assay init" in found


def test_nesting_without_end_is_refused() -> None:
    (found,) = problems("a = " + "[" * 100_000)
    assert "nested too deeply" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("title = 'Café'".encode("latin-1"), "1: encoding: found the byte 0xE9"),
        (b"[thesis]\nid = \xff\n", "2: encoding: found the byte 0xFF"),
        ("[thesis]".encode("utf-16"), "1: encoding"),
        (b"\x00\x01", "1: syntax"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "thesis.toml"
    path.write_bytes(content)
    with pytest.raises(ThesisError, match="thesis") as caught:
        read(path, words)
    assert str(caught.value).startswith(f"{path}:{said}")


def test_no_file_a_folder_or_a_locked_file(tmp_path: Path) -> None:
    (tmp_path / "open_weights.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(UsageError, match="no such file; did you mean 'open_weights"):
        read(tmp_path / "open_weight.toml", words)
    with pytest.raises(UsageError, match=r"is a folder; .*there is open_weights\.toml"):
        read(tmp_path, words)
    with pytest.raises(UsageError, match=r"there is no such file$"):
        read(tmp_path / "nowhere" / "thesis.toml", words)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / ("x" * 300), words)
    with pytest.raises(UsageError, match="cannot be read"):
        read("thesis\0.toml", words)


LINES = GOOD.splitlines()
VALUES = st.one_of(
    st.sampled_from(
        ["", "[]", "{}", "[[]]", "true", "nan", "-inf", "0", "-1", "1e400", '""', "'x'",
         "2025-01-27", "2025-01-27T10:00:00", "10:00:00", "[1]", "[0, 1]", "[[0, 1]]",
         '"compute"', '["compute"]', '[["labs"]]', "{ a = 1 }", '{ labs = "+" }',
         "[{ id = 1 }]", '"\\u0000"', "9" * 5000, "0001-01-01", "9999-12-31T23:59:59Z",
         "9999-12-31T23:59:59-12:00", '"9999-99-99"', "'''", '"""', "[", "{", "# "]
    ),
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
HEADERS = st.sampled_from(
    ["[thesis]", "[barbell]", "[barbell.x]", "[[barbell]]", "[[events]]", "[events]",
     "[events.expected]", "[claims.x]", "[[claims]]", "[[factors]]", "[factors.params]",
     "[factors.exposure]", "[universe]", "[signals]", "[portfolio.layers]", "[a.b]",
     "[[a.b]]", '["a b".c]', "[]", "[[", "]"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return the good file after a few edits of a careless author."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        edit = draw(st.integers(0, 6))
        if edit == 0:
            del lines[at]
        elif edit == 1:
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif edit == 2 and "=" in lines[at]:
            lines[at] = f"{lines[at].split('=')[0]}= {draw(VALUES)}"
        elif edit == 3 and "=" in lines[at]:
            other = lines[draw(st.integers(0, len(lines) - 1))]
            lines[at] = f"{lines[at].split('=')[0]}= {other.split('=')[-1]}"
        elif edit == 4:
            lines.insert(at, draw(HEADERS))
        elif edit == 5:
            cut = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:cut] + draw(st.text(max_size=3)) + lines[at][cut:]
        else:
            lines[at] = draw(st.text(max_size=30))
        lines = lines or [""]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_a_careless_edit_never_raises_anything_else(text: str) -> None:
    found = lines_of_problems(text)
    assert found == sorted(found)
    assert all(1 <= line <= text.count("\n") + 1 for line in found)


def lines_of_problems(text: str) -> list[int]:
    """Return the line of every problem; any other error goes through."""
    try:
        thesis(text)
    except ThesisError as error:
        return [problem.line for problem in error.problems] or [-1]
    return []


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.toml"
    path.write_bytes(content)
    with pytest.raises(AssayError):
        read(path, words)
