"""Promise: every room opens, for every eye and every hand; what was done there is never lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gausswork.lab import launch, rooms
from gausswork.lab.app import Lab
from gausswork.lab.tables import Tables

from .conftest import Watched

ROOMS = rooms.available()


def changed(lab: Watched, room: str) -> str:
    """Change a number of a room by the keyboard; return the state that is kept."""
    before = kept(lab, room)
    slider = lab.page.locator('main input[type="range"]:not(:disabled)').first
    slider.focus()
    lab.page.keyboard.press("PageUp")
    lab.settled(room)
    after = kept(lab, room)
    if after == before:  # it stood at its end
        lab.page.keyboard.press("PageDown")
        lab.settled(room)
        after = kept(lab, room)
    assert after != before
    return after


def kept(lab: Watched, room: str) -> str:
    """Return what this tab keeps of a room."""
    return str(lab.page.evaluate("name => sessionStorage['gausswork-lab:' + name] ?? ''", room))


def sliding() -> str:
    """Return the name of a room with sliders."""
    return next(name for name in ("bell", *ROOMS) if name in ROOMS)


def test_a_reload_keeps_the_room_and_its_state(lab: Watched) -> None:
    room = sliding()
    lab.open(room)
    after = changed(lab, room)
    shown = lab.shown(room)
    lab.page.reload()
    lab.settled(room)
    assert lab.shown(room) == shown
    assert kept(lab, room) == after


def test_undo_takes_a_step_back_and_redo_repeats_it(lab: Watched) -> None:
    room = sliding()
    lab.open(room)
    first = lab.shown(room)
    changed(lab, room)
    second = lab.shown(room)
    assert second != first
    lab.page.locator("main").focus()
    lab.page.keyboard.press("Control+z")
    assert lab.shown(room) == first
    lab.page.keyboard.press("Control+Shift+z")
    assert lab.shown(room) == second
    lab.page.get_by_role("button", name="Undo").click()
    assert lab.shown(room) == first
    lab.page.get_by_role("button", name="Reset").click()
    assert lab.shown(room) == first


def test_two_tabs_do_not_disturb_each_other(lab: Watched) -> None:
    room = sliding()
    lab.open(room)
    other = Watched(lab.page.context.new_page(), lab.address)
    other.open(room)
    before = other.shown(room)
    changed(lab, room)
    assert other.shown(room) == before
    other.page.reload()
    assert other.shown(room) == before or kept(other, room) == ""
    changed(other, room)
    mine = lab.shown(room)
    lab.page.reload()
    assert lab.shown(room) == mine


def test_a_link_opens_the_same_room_in_another_browser(
    lab: Watched, watch: Callable[..., Watched]
) -> None:
    room = sliding()
    lab.open(room)
    changed(lab, room)
    shown = lab.shown(room)
    lab.page.get_by_role("button", name="Share").click()
    link = lab.page.locator("dialog input[readonly]")
    for _ in range(100):
        if link.input_value():
            break
        lab.page.wait_for_timeout(50)
    other = watch()
    other.page.goto(other.address)
    other.settled()
    other.page.goto(str(link.input_value()))
    assert other.shown(room) == shown
    assert "=" not in other.page.url.partition("#")[2]


def test_a_file_keeps_a_room_and_brings_it_back(lab: Watched, tmp_path: Path) -> None:
    room = sliding()
    lab.open(room)
    changed(lab, room)
    shown = lab.shown(room)
    lab.page.get_by_role("button", name="Share").click()
    with lab.page.expect_download() as saving:
        lab.page.get_by_role("button", name="Save as a file").click()
    path = tmp_path / "room.json"
    saving.value.save_as(path)
    assert json.loads(path.read_text())["room"] == room
    lab.page.keyboard.press("Escape")
    lab.page.get_by_role("button", name="Reset").click()
    assert lab.shown(room) != shown
    lab.page.get_by_role("button", name="Share").click()
    lab.page.locator('dialog input[type="file"]').set_input_files(path)
    lab.page.get_by_text("The file is open.").first.wait_for()
    assert lab.shown(room) == shown
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"room": "another"}')
    lab.page.locator('dialog input[type="file"]').set_input_files(wrong)
    lab.page.get_by_text("is no state of this room").first.wait_for()


@pytest.mark.parametrize("packed", ["A", "%%%", "e30", "q1YqVrJSUKoFAA", "A" * 5000])
def test_a_damaged_link_is_said_and_loses_nothing(lab: Watched, packed: str) -> None:
    room = sliding()
    lab.open(room)
    after = changed(lab, room)
    lab.page.goto(f"{lab.root}#{room}={packed}")
    lab.page.get_by_text("The link is damaged").wait_for()
    lab.settled(room)
    assert kept(lab, room) == after


def test_a_hostile_state_is_refused_in_words_and_reset_helps(lab: Watched) -> None:
    """As an older version, or somebody else's file, might leave it in the browser."""
    room = sliding()
    lab.open(room)
    shown = lab.shown(room)
    lab.page.evaluate(
        """name => { for (const store of [sessionStorage, localStorage])
          store['gausswork-lab:' + name] = JSON.stringify(Object.fromEntries(
            ['mean', 'sd', 'a', 'x', 'y', 'depth'].map((key) => [key, '<img src=x>']))) }""",
        room,
    )
    lab.page.reload()
    lab.settled(room)
    assert lab.page.locator("main .problem-box").inner_text()
    assert lab.page.locator("main img").count() == 0
    lab.page.get_by_role("button", name="Reset").click()
    assert lab.shown(room) == shown
    assert lab.page.locator("main .problem-box").count() == 0


def test_what_is_said_is_said_on_release_only(lab: Watched) -> None:
    room = sliding()
    lab.open(room)
    said = lab.page.locator("#said")
    slider = lab.page.locator('main input[type="range"]:not(:disabled)').first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=10)
    lab.page.wait_for_timeout(400)
    assert said.inner_text() == ""
    lab.page.mouse.up()
    lab.page.wait_for_selector("#said:not(:empty)", state="attached")


def test_the_script_is_copied_and_saved(lab: Watched, tmp_path: Path) -> None:
    room = sliding()
    lab.open(room)
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.page.get_by_role("button", name="Show Python").click()
    lab.page.wait_for_selector(".python code span")
    text = lab.page.locator(".python code").inner_text()
    lab.page.get_by_role("button", name="Copy", exact=True).click()
    lab.page.get_by_text("Copied.").first.wait_for()
    assert lab.page.evaluate("navigator.clipboard.readText()").strip() == text.strip()
    with lab.page.expect_download() as saving:
        lab.page.get_by_role("button", name="Save .py").click()
    assert saving.value.suggested_filename == f"gausswork_{room}.py"
    saving.value.save_as(tmp_path / "script.py")
    assert (tmp_path / "script.py").read_text(encoding="utf-8").strip() == text.strip()


def test_a_state_without_an_answer_shows_the_ways_back(lab: Watched) -> None:
    page = lab.open("regression")
    before = lab.shown("regression")
    broken = json.dumps({"x": [1.0, 2.0], "y": [1.0], "band": "none"})
    page.evaluate("text => { sessionStorage['gausswork-lab:regression'] = text; }", broken)
    page.reload()
    page.wait_for_selector("main .problem-box")
    page.get_by_role("button", name="Begin this room anew").click()
    page.wait_for_selector("main .problem-box", state="detached")
    assert lab.shown("regression") == before


def test_on_a_phone_the_script_comes_into_view(watch: Callable[..., Watched]) -> None:
    lab = watch(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = lab.open(sliding())
    page.get_by_role("button", name="Show Python").tap()
    page.wait_for_selector(".python code span")
    head = page.get_by_role("heading", name="Python", exact=True)
    page.wait_for_function(
        "one => { const at = one.getBoundingClientRect().top; return at > 60 && at < 400; }",
        arg=head.element_handle(),
    )
    page.get_by_role("button", name="Close Python").tap()
    page.wait_for_selector(".python", state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Show Python"


def test_the_keyboard_reaches_rooms_and_tools_and_shows_where_it_is(lab: Watched) -> None:
    lab.open(ROOMS[0])
    page = lab.page
    page.reload()
    lab.settled()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "room"
    page.locator(f'nav a[href="./#{ROOMS[-1]}"]').focus()
    page.keyboard.press("Enter")
    lab.settled(ROOMS[-1])
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(25):  # whatever has the focus shows it
        page.keyboard.press("Tab")
        where = page.evaluate("document.activeElement.outerHTML.slice(0, 150)")
        ring = page.evaluate(
            f"""{outline} !== 'none' || [document.activeElement.querySelector('.ring'),
              document.activeElement.nextElementSibling].some((one) => one &&
              (getComputedStyle(one).outlineStyle !== 'none' || (one.matches('.ring') &&
               !/rgba\\(0, 0, 0, 0\\)|none/.test(getComputedStyle(one).stroke))))"""
        )
        assert ring or "<body" in where, where


def test_the_theme_is_chosen_and_kept(lab: Watched) -> None:
    page = lab.open(ROOMS[0])
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for _ in range(2):
        page.locator("button.theme").click()
    assert page.locator("button.theme").get_attribute("aria-label") == "Colours: dark"
    assert page.evaluate(background) != light
    page.reload()
    lab.settled()
    assert page.evaluate(background) != light


def test_a_lab_that_was_stopped_is_said_and_one_that_is_back_goes_on(
    watch: Callable[..., Watched],
) -> None:
    room = sliding()
    with launch.running(Lab()) as opened:
        seen = watch(opened.address)
        seen.allowed = ["ERR_CONNECTION_REFUSED", "WebSocket", "Failed to load resource"]
        seen.open(room)
        changed(seen, room)
        shown = seen.shown(room)
    banner = seen.page.get_by_text("The lab does not answer")
    banner.wait_for()
    assert shown == dict(
        seen.page.eval_on_selector_all(
            "[data-shown]", "all => all.map(one => [one.dataset.shown, one.textContent])"
        )
    )


def test_without_the_key_the_page_says_how_to_get_in(watch: Callable[..., Watched]) -> None:
    stranger = watch()
    stranger.allowed = ["403"]
    stranger.page.goto(stranger.root)
    assert "Open the whole address" in stranger.page.inner_text("body")


def test_the_page_is_small() -> None:
    """All files of the page together, compressed, stay below 200 kB."""
    import gzip

    static = Path(launch.__file__).parent / "static"
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 6))
        for path in static.rglob("*")
        if path.suffix in {".html", ".js", ".css", ".svg"}
    }
    assert sum(sizes.values()) < 200_000, sizes


def test_the_page_loads_nothing_from_elsewhere() -> None:
    static = Path(launch.__file__).parent / "static"
    for path in static.rglob("*"):
        if path.suffix not in {".html", ".js", ".css"}:
            continue
        text = path.read_text(encoding="utf-8")
        # names of XML vocabularies are no addresses to load from
        found = [
            url
            for url in re.findall(r"https?://[^\s\"'`)]+", text)
            if not url.startswith(("http://www.w3.org/", "https://anywidget.dev/"))
        ]
        assert not found, path
        assert "@import" not in text or path.suffix == ".js"


def test_the_table_of_the_launch_is_in_every_room_that_takes_one(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    (tmp_path / "dogs.csv").write_text(
        "name,weight,height\n" + "".join(f"d{k},{k + k % 3},{2 * k + 1}\n" for k in range(1, 40))
    )
    tables = Tables()
    tables.add_file(tmp_path / "dogs.csv")
    with launch.running(Lab(tables)) as opened:
        seen = watch(opened.address)
        seen.open("data")
        seen.page.locator('[data-table="dogs.csv"]').wait_for()
        assert seen.shown("data")
        seen.open("regression")
        seen.page.get_by_text("All 39 rows").wait_for()
        seen.page.get_by_role("button", name="Undo").click()  # the points are still there
        seen.page.get_by_text("Drag a point; press").wait_for()
        seen.page.reload()
        seen.settled("regression")
        assert seen.page.get_by_text("Drag a point; press").count() == 1
        seen.open("descent")
        assert seen.page.locator("option", has_text="dogs.csv").count()
        seen.open("bell")
        seen.page.get_by_label("my column").check()
        seen.page.locator("option:checked", has_text="weight").wait_for(state="attached")
        seen.settled("bell")
        assert seen.page.locator("main .problem-box").count() == 0
        seen.page.close()


def test_a_file_of_a_gigabyte_is_refused_before_it_is_sent(lab: Watched, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(1_000_000_000)  # a hole: no disk is filled
    page = lab.open("data")
    page.locator('input[type="file"]').first.set_input_files(large)
    page.get_by_text("1000 MB").first.wait_for()
    assert page.get_by_text("gausswork fit").count()
    lab.settled("data")


def test_markup_in_names_is_shown_as_it_is(lab: Watched, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.csv"
    rows = "".join(f"{k},{(k * 7) % 5 + k}\n" for k in range(30))
    hostile.write_text('"<img src=x onerror=alert(1)>","</script><b>y</b>"\n' + rows)
    page = lab.open("data")
    page.locator('input[type="file"]').first.set_input_files(hostile)
    page.locator('[data-table="hostile.csv"]').wait_for()
    lab.settled("data")
    assert page.get_by_text("<img src=x onerror=alert(1)>").count()
    assert page.locator("main img").count() == 0
    assert "y" not in page.locator("main b").all_inner_texts()


def test_rules_of_a_room_are_for_that_room_alone() -> None:
    """Two rooms may call their parts by the same name; neither then changes the other."""
    css = (Path(launch.__file__).parent / "static" / "lab.css").read_text(encoding="utf-8")
    own = re.sub(r"/\*.*?\*/", "", css.partition("/* The bell, the central limit")[2], flags=re.S)
    depth, rule, seen = 0, "/*", 0
    for part in re.split(r"([{}])", own.partition("*/")[2]):
        if part == "{":
            if depth == 0 and not rule.startswith("@media"):
                for selector in re.sub(r"\([^()]*\)", "", rule).split(","):
                    assert selector.strip().startswith(".room-"), selector
                    seen += 1
            depth += 1
        elif part == "}":
            depth -= 1
        else:
            rule = part.strip()
    assert seen > 50


def test_what_is_vendored_is_what_the_front_end_pins_with_its_licences() -> None:
    root = Path(__file__).resolve().parents[2]
    pinned = json.loads((root / "front" / "package.json").read_text())["devDependencies"]
    vendor = Path(launch.__file__).parent / "static" / "vendor"
    first = (vendor / "preact.js").read_text(encoding="utf-8").partition("\n")[0]
    licences = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    for name in ("preact", "htm"):
        assert f"{name} {pinned[name]}" in first
        assert f"{name} {pinned[name]} (" in licences
    assert sorted(path.name for path in vendor.iterdir()) == ["LICENSES.txt", "preact.js"]


def test_an_answer_that_is_older_than_its_state_says_so(lab: Watched) -> None:
    """Nobody reads an old verdict as that of the new network."""
    page = lab.open("bell")
    lab.settled("bell")
    stage = page.locator(".stage")
    assert stage.get_attribute("aria-busy") == "false"
    page.evaluate("""() => {
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (text) { setTimeout(() => send.call(this, text), 1500); };
    }""")
    page.get_by_role("button", name="Exam scores").click()
    page.locator('.stage[aria-busy="true"] + .late-sign').wait_for(timeout=1400)
    assert page.get_by_text("Computing …").is_visible()
    page.locator('.stage[aria-busy="false"]').wait_for()
    assert not page.get_by_text("Computing …").is_visible()


def test_a_reload_keeps_the_steps_to_undo(lab: Watched) -> None:
    """What was done before a reload is taken back after it."""
    page = lab.open("bell")
    lab.settled("bell")
    first = lab.shown("bell")
    page.get_by_role("button", name="Exam scores").click()
    lab.settled("bell")
    then = lab.shown("bell")
    page.reload()
    lab.settled("bell")
    assert lab.shown("bell") == then
    page.get_by_role("button", name="Undo").click()
    lab.settled("bell")
    assert lab.shown("bell") == first
    page.reload()
    lab.settled("bell")
    page.get_by_role("button", name="Redo").click()
    lab.settled("bell")
    assert lab.shown("bell") == then


def test_the_dialog_to_share_does_not_scroll_sideways(lab: Watched) -> None:
    page = lab.open("bell")
    page.get_by_role("button", name="Share").click()
    wide, seen = page.eval_on_selector("dialog", "one => [one.scrollWidth, one.clientWidth]")
    assert wide <= seen
