"""Promise: in a real browser, networks are seen and trained, and a dropped file is fitted."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import gausswork as gw
from gausswork.lab.rooms import data, start
from gausswork.lab.tables import Tables

from .conftest import Watched, agrees
from .running import run_script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import what the rooms need: on a busy machine that alone may take half a minute."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    start.answer(start.START, None)


def agree(lab: Watched, room: str, shown: dict[str, Any]) -> int:
    """Compare the numbers on the screen with those of Python; return how many there are."""
    seen = lab.shown(room)
    assert set(seen) <= set(shown)
    for name, text in seen.items():
        assert agrees(text, shown[name]), (name, text, shown[name])
    return len(seen)


def state_of(page: Any, room: str) -> dict[str, Any]:
    """Return the state that the browser keeps."""
    text = page.evaluate(f"sessionStorage.getItem('gausswork-lab:{room}')")
    found: dict[str, Any] = json.loads(text)
    return found


def give(page: Any, name: str, content: bytes) -> None:
    """Drop a file on the page, as somebody's hand does."""
    page.evaluate(
        """([name, text]) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name));
          for (const kind of ["dragover", "drop"]) {
            document.querySelector("main").dispatchEvent(
              new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
          }
        }""",
        [name, base64.b64encode(content).decode()],
    )


def reached(page: Any, epoch: int) -> None:
    """Wait until a training has come so far."""
    place = page.locator("[data-training]")
    for _ in range(400):  # the policy of the page lets no test evaluate a condition in it
        if int(place.get_attribute("data-epoch") or -1) >= epoch:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"epoch {epoch} was not reached: {place.inner_text()}")


CSV = "<img src=x onerror=alert(1)>,kind,y\n" + "\n".join(
    f"{'' if i == 7 else i * 0.5},{'ab'[i % 2]},{1.0 + i + (i * 7919 % 13) / 10:.2f}"
    for i in range(60)
)
BITING = "<img src=x onerror=alert(1)>"


# --- initialisation ---------------------------------------------------------------------------


def test_the_screen_shows_what_the_doctor_found(lab: Watched) -> None:
    page = lab.open("start")
    found = start.answer(start.START, None)
    assert agree(lab, "start", found["shown"]) >= 8
    assert page.locator("[data-verdict]").inner_text() == found["doctor"]["verdict"]
    assert page.locator("[data-healthy]").get_attribute("data-healthy") == "false"


def test_he_cures_the_patient_and_undo_brings_the_illness_back(lab: Watched) -> None:
    page = lab.open("start")
    page.get_by_role("button", name="Try He").click()
    page.wait_for_selector('[data-healthy="true"]')
    lab.settled("start")
    cured = start.answer({**start.START, "scheme": "he"}, None)
    agree(lab, "start", cured["shown"])
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector('[data-healthy="false"]')


def test_the_mark_on_the_track_is_where_gradients_keep_their_size(lab: Watched) -> None:
    page = lab.open("start")
    expected = start.answer(start.START, None)["marks"][0]["at"]
    at = float(page.locator('[data-mark="edge"]').get_attribute("data-at"))
    assert at == pytest.approx(expected, rel=1e-12)
    box = page.locator('[data-mark="edge"]').bounding_box()
    track = page.get_by_role("slider", name="All weights times").bounding_box()
    share = (box["x"] + 1 - track["x"] - 10.8) / (track["width"] - 21.6)  # between thumb centres
    assert 0.01 * 10_000**share == pytest.approx(expected, rel=0.05)


def test_a_training_streams_is_stopped_and_repeats_with_its_seed(lab: Watched) -> None:
    page = lab.open("start")
    page.evaluate(
        """state => { sessionStorage.setItem('gausswork-lab:start', JSON.stringify(state)); }""",
        {**start.START, "depth": 3, "width": 32, "epochs": 60, "networks": 2, "data": "made",
         "schemes": ["zeros", "he"], "rate": 0.1, "seed": 3},
    )  # fmt: skip
    page.reload()
    lab.settled("start")
    page.get_by_role("button", name="Train", exact=True).click()
    state = page.locator("[data-training]")
    reached(page, 2)
    assert state.get_attribute("data-training") == "running"  # curves while it runs
    assert page.locator('[data-curve="he"] .mark-line').first.get_attribute("d")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector('[data-training="stopped"]')
    ended = int(state.get_attribute("data-epoch"))
    assert 2 <= ended < 60
    assert "Stopped after epoch" in state.inner_text()
    first = _mean_loss(page)
    page.get_by_role("button", name="Train again").click()
    reached(page, ended)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector('[data-training="stopped"]')
    again = _mean_loss(page)
    assert again[: ended + 1] == first[: ended + 1]
    page.get_by_role("button", name="Other seed").click()
    lab.settled("start")
    assert state_of(page, "start")["seed"] == 5
    assert "train again for what is chosen now" in state.inner_text() or "Stopped" in (
        state.inner_text()
    )


def _mean_loss(page: Any) -> list[float]:
    text = page.evaluate("sessionStorage.getItem('gausswork-lab:start-training')")
    curves: list[float] = json.loads(text)["part"]["curves"][1]["train_loss"]["mean"]
    return curves


def test_a_finished_training_says_what_became_and_its_python_says_the_same(lab: Watched) -> None:
    page = lab.open("start")
    state = {**start.START, "depth": 2, "width": 16, "epochs": 3, "networks": 2, "data": "made",
             "schemes": ["zeros", "he"], "rate": 0.1}  # fmt: skip
    page.evaluate(
        "state => sessionStorage.setItem('gausswork-lab:start', JSON.stringify(state))", state
    )
    page.reload()
    lab.settled("start")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector('[data-training="done"]')
    *_, last = start.train(state, None, lambda: False)
    for one in last["outcome"]["schemes"]:
        row = page.locator(f'tbody[data-scheme="{one["name"]}"]')
        assert row.get_attribute("data-verdict") == one["verdict"]
        assert f"{one['learned']} of 2" in row.inner_text()
    bound = run_script(lab.script())
    table = page.eval_on_selector_all(
        ".outcomes [data-shown]", "all => all.map(one => [one.dataset.shown, one.dataset.value])"
    )
    assert len(table) == 6
    for name, value in table:
        assert eval(name, bound) == pytest.approx(json.loads(value), rel=1e-12), name
    page.get_by_role("slider", name="Hidden layers").press("ArrowRight")
    lab.settled("start")
    page.wait_for_selector("pre:not(:has-text('comparison = compare('))")
    assert "train again for what is chosen now" in page.locator("[data-training]").inner_text()


def test_a_reload_in_the_middle_of_a_training_loses_nothing(lab: Watched) -> None:
    page = lab.open("start")
    page.evaluate(
        "state => sessionStorage.setItem('gausswork-lab:start', JSON.stringify(state))",
        {**start.START, "depth": 3, "width": 48, "epochs": 60, "networks": 3, "data": "made",
         "schemes": ["zeros", "he"]},
    )  # fmt: skip
    page.reload()
    lab.settled("start")
    page.get_by_role("button", name="Train", exact=True).click()
    reached(page, 1)
    page.reload()
    lab.settled("start")
    assert page.locator("[data-training]").get_attribute("data-training") == "running"
    before = int(page.locator("[data-training]").get_attribute("data-epoch"))
    reached(page, before + 1)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector('[data-training="stopped"]')


# --- your data --------------------------------------------------------------------------------


def test_galton_is_there_before_anybody_gives_a_file(lab: Watched) -> None:
    lab.open("data")
    assert agree(lab, "data", data.answer(data.START, Tables())["shown"]) == 3


def test_a_file_dropped_on_the_page_is_fitted_and_its_report_downloads(
    lab: Watched, tmp_path: Path
) -> None:
    page = lab.open("data")
    give(page, "mine.csv", CSV.encode())
    page.wait_for_selector('[data-table="mine.csv"]')
    lab.settled("data")
    # what was proposed is fitted at once
    path = tmp_path / "mine.csv"
    path.write_text(CSV, encoding="utf-8")
    own = gw.fit(path, "y", features=[BITING, "kind"])
    seen = lab.shown("data")
    assert agrees(seen["r_squared"], own.r_squared)
    assert agrees(seen["rows"], 59)
    rows = page.locator(".coefficients tbody tr")
    assert rows.count() == 3
    assert rows.nth(1).locator("th").inner_text() == BITING  # text, and nothing else
    assert page.locator("img[src=x]").count() == 0
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the report").click()
    file = waiting.value
    assert file.suggested_filename == "mine-report.html"
    text = Path(file.path()).read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n<!-- gausswork report -->")
    assert BITING not in text
    assert "&lt;img src=x" in text
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the model").click()
    kept = tmp_path / waiting.value.suggested_filename
    assert kept.name == "mine-model.json"
    waiting.value.save_as(kept)
    assert gw.load(kept).coefficients.tolist() == own.coefficients.tolist()


def test_a_column_is_chosen_by_hand_and_a_formula_by_writing(lab: Watched) -> None:
    page = lab.open("data")
    card = page.locator('[data-column="children"]')
    card.get_by_role("radio", name="feature").check()
    lab.settled("data")
    chosen = {**data.START, "features": ["midparentHeight", "gender", "children"]}
    agree(lab, "data", data.answer(chosen, Tables())["shown"])
    page.get_by_role("radio", name="formula").check()
    field = page.get_by_role("textbox", name="Formula")
    assert field.input_value() == "childHeight ~ midparentHeight + gender + children"
    field.fill("childHeight ~ midparentHeight * gender")
    field.press("Enter")
    lab.settled("data")
    written = {**data.START, "by": "formula", "formula": "childHeight ~ midparentHeight * gender"}
    agree(lab, "data", data.answer(written, Tables())["shown"])
    field.fill("childHeight ~ wheight")
    field.press("Enter")
    page.wait_for_selector(".problem-box")
    assert "wheight" in page.locator(".problem-box").inner_text()


def test_a_row_lights_up_in_all_four_figures(lab: Watched) -> None:
    page = lab.open("data")
    page.locator('svg[data-frame="residuals"]').scroll_into_view_if_needed()
    frame = page.locator('svg[data-frame="residuals"]')
    points = data.answer(data.START, Tables())["checkup"]["points"]
    k = points["label"].index("486")  # the farthest off
    low, high = json.loads(frame.get_attribute("data-x"))
    bottom, top = json.loads(frame.get_attribute("data-y"))
    left, upper, right, lower = json.loads(frame.get_attribute("data-box"))
    x = left + (points["fitted"][k] - low) / (high - low) * (right - left)
    y = lower - (points["residual"][k] - bottom) / (top - bottom) * (lower - upper)
    box = frame.bounding_box()
    page.mouse.move(box["x"] + x + 1, box["y"] + y + 1)
    page.wait_for_selector('[data-row="486"]')
    assert page.locator("circle.aglow").count() == 4
    assert "residual −9.5" in page.locator(".row-words").inner_text()
    page.get_by_role("slider", name="Row").press("ArrowRight")
    assert page.locator("[data-row]").get_attribute("data-row") == "487"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "empty"),
        ("book.xlsx", b"PK\x03\x04" + b"\0" * 40, "zip archive or an Excel workbook"),
        ("torn.parquet", b"PAR1" + b"\0" * 40 + b"PAR1", "torn.parquet"),
        ("words.csv", b"a,b\n1,2\n1,2,3\n", "line 3"),
        ("bomb.csv.gz", None, "MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_the_room_stays(
    lab: Watched, name: str, content: bytes | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gausswork.lab.tables.LARGEST_TABLE", 20_000_000)
    content = _bomb() if content is None else content
    lab.allowed.append("422")  # the browser logs each refusal of the server
    page = lab.open("data")
    before = lab.shown("data")
    give(page, name, content)
    problem = page.locator(".give .problem-box")
    problem.wait_for()
    assert says in problem.inner_text()
    assert lab.shown("data") == before


def _bomb() -> bytes:
    """Return 48 MB of rows in 50 kB."""
    return gzip.compress(b"a,b\n" + b"1,2\n" * 12_000_000, compresslevel=1)


# --- both -------------------------------------------------------------------------------------


def test_the_keyboard_alone_does_it_all(lab: Watched) -> None:
    page = lab.open("start")
    reach = _tab_to(page, "input[type=radio]:checked")
    assert reach
    page.keyboard.press("ArrowRight")  # from default to lecun
    lab.settled("start")
    assert state_of(page, "start")["scheme"] == "lecun"
    assert _tab_to(page, "button:has-text('Train')")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-training="running"]')
    page.keyboard.press("Enter")  # the same button stops it
    page.wait_for_selector('[data-training="stopped"]')
    lab.open("data")
    assert _tab_to(page, '[data-column="father"] input[value="none"]')
    page.keyboard.press("ArrowLeft")
    lab.settled("data")
    assert "father" in state_of(page, "data")["features"]
    with page.expect_download() as waiting:
        assert _tab_to(page, "button:has-text('Download the report')")
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "galton-families-report.html"


def _tab_to(page: Any, selector: str, *, most: int = 90) -> bool:
    """Press Tab until an element has the focus; whether it was reached, and seen to be."""
    plain = re.sub(r":has-text\('([^']*)'\)", "", selector)
    text = re.search(r":has-text\('([^']*)'\)", selector)
    for _ in range(most):
        page.keyboard.press("Tab")
        there = page.evaluate(
            """([plain, text]) => { const one = document.activeElement;
              return one.matches(plain) && (!text || one.textContent.trim() === text); }""",
            [plain, text[1] if text else ""],
        )
        if there:
            return True
    return False


@pytest.mark.parametrize("room", ["start", "data"])
def test_reset_keeps_the_seed_and_a_reload_keeps_the_state(lab: Watched, room: str) -> None:
    page = lab.open(room)
    if room == "start":
        page.get_by_label("Seed").fill("17")
        page.get_by_label("Seed").press("Enter")
        page.get_by_role("slider", name="Hidden layers").press("ArrowRight")
        lab.settled(room)
        page.reload()
        lab.settled(room)
        assert state_of(page, room)["depth"] == 11
        page.get_by_role("button", name="Reset").click()
        lab.settled(room)
        assert state_of(page, room) == {**start.START, "seed": 17}
    else:
        page.locator('[data-column="gender"]').get_by_role("radio", name="not").check()
        lab.settled(room)
        page.reload()
        lab.settled(room)
        assert state_of(page, room)["features"] == ["midparentHeight"]
        page.get_by_role("button", name="Reset").click()
        lab.settled(room)
        assert state_of(page, room) == data.START


def test_the_first_answer_says_what_it_waits_for(
    lab: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import of PyTorch takes seconds; here it is held until the words are there."""
    go_on = threading.Event()
    answer = start.answer
    monkeypatch.setattr(start, "answer", lambda *given: go_on.wait(20.0) and answer(*given))
    page = lab.page
    page.goto(lab.address)
    page.goto(f"{lab.root}#start")
    try:
        page.get_by_text("Loading PyTorch").wait_for()
    finally:
        go_on.set()
    lab.settled("start")
    assert page.get_by_text("Loading PyTorch").count() == 0
