"""The lab in Chromium: how quickly the page follows the hand, opens, and what the server holds.

    python -m benchmarks.lab [--quick]

The server is a process of its own, as ``gausswork lab`` starts it; Chromium is Debian's, headless,
without a graphics card. An update is an answer of Python that was drawn; the time of an update runs
from the event of the hand that it answers to the end of the frame that shows it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import http.client
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import ROOT, say, write

STATIC = ROOT / "src/gausswork/lab/static"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
POINTS = 50
HAND = 125  # moves a second that a mouse reports

# Which event each question follows, and when the frame that shows its answer is done.
_WATCH = """
(() => {
  const seen = { asked: new Map(), times: [], answers: 0 };
  globalThis.measured = seen;
  let hand = 0;
  addEventListener("pointermove", (event) => { hand = event.timeStamp; }, true);
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    if (text.includes('"ask":"answer"')) seen.asked.set(JSON.parse(text).id, hand);
    return send.call(this, text);
  };
  const place = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    ...place,
    set(handler) {
      place.set.call(this, (event) => {
        handler(event);
        const id = Number(/"id":(\\d+),"answer"/.exec(event.data)?.[1]);
        if (!seen.asked.has(id)) return;
        requestAnimationFrame(() => {
          const after = new MessageChannel();
          after.port1.onmessage = () => {
            seen.answers += 1;
            seen.times.push(performance.now() - seen.asked.get(id));
          };
          after.port2.postMessage(0);
        });
      });
    },
  });
})();
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A lab that runs: its process, its address with the token, its cookie."""

    process: subprocess.Popen[str]
    started: float
    address: str
    cookie: str

    @property
    def host(self) -> str:
        """Host and port."""
        return self.address.removeprefix("http://").partition("/")[0]

    def memory(self) -> int:
        """Return the resident memory of the server in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Run ``gausswork lab`` while the block runs."""
    started = time.time()
    command = [sys.executable, "-m", "gausswork", "lab", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                break
        address = found[0]
        host, path = re.fullmatch(r"http://([^/]+)(/.*)", address).groups()  # type: ignore[union-attr]
        connection = http.client.HTTPConnection(host)
        connection.request("GET", path)
        cookie = str(connection.getresponse().headers["set-cookie"]).partition(";")[0]
        connection.close()
        try:
            yield Served(process, started, address, cookie)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def points() -> dict[str, Any]:
    """Return the state of the regression room with 50 points on no line."""
    x = [round(0.2 * k, 3) for k in range(POINTS)]
    y = [round(3.0 + 1.7 * v + ((37 * k) % 19 - 9) * 0.4, 3) for k, v in enumerate(x)]
    return {"x": x, "y": y, "x_name": "x", "y_name": "y", "band": "confidence"}


async def _dragged(browser: Any, lab: Served, seconds: float) -> dict[str, Any]:
    """Drag one of 50 points in circles, at the pace of a mouse whatever the page does."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    await page.add_init_script(_WATCH)
    await page.goto(lab.address)
    ready = '[data-room="regression"][data-busy="false"]'
    await page.wait_for_selector(ready)
    kept = "sessionStorage['gausswork-lab:regression']"
    await page.evaluate(f"state => {{ {kept} = JSON.stringify(state); }}", points())
    await page.reload()
    await page.wait_for_selector(ready)
    handle = page.locator('[data-handle="point 25"]')
    await handle.scroll_into_view_if_needed()
    box = await handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand = await page.context.new_cdp_session(page)
    await page.mouse.move(x, y)
    await page.mouse.down()
    sent: list[asyncio.Task[Any]] = []

    async def move(until: float) -> None:
        """Send a move every 8 ms, and wait for none of them: no hand does."""
        while (now := time.perf_counter()) < until:
            angle = 5.0 * now
            moved = {
                "type": "mouseMoved", "button": "left", "buttons": 1,
                "x": x + 50.0 + 40.0 * math.cos(angle), "y": y - 10.0 + 60.0 * math.sin(angle),
            }  # fmt: skip
            sent.append(asyncio.create_task(hand.send("Input.dispatchMouseEvent", moved)))
            await asyncio.sleep(1.0 / HAND)

    await move(time.perf_counter() + 1.0)  # not measured: caches fill
    await page.evaluate("measured.times.length = 0, undefined")
    before, start = len(sent), time.perf_counter()
    await move(start + seconds)
    times = sorted(await page.evaluate("measured.times"))
    took = time.perf_counter() - start
    moves = len(sent) - before
    await asyncio.gather(*sent)
    await page.mouse.up()
    await page.wait_for_selector(ready)
    shown = float(await page.get_attribute('[data-shown="slope"]', "data-value"))
    state = json.loads(await page.evaluate(kept))
    await page.close()
    import gausswork as gw

    exact = gw.fit({"x": state["x"], "y": state["y"]}, target="y").coefficients[1]
    return {
        "points": POINTS,
        "seconds": took,
        "moves": moves,
        "updates_per_second": len(times) / took,
        "event_to_paint_ms": {
            "median": median(times),
            "p95": times[int(0.95 * len(times))],
            "worst": times[-1],
        },
        "slope_differs_by": abs(shown - float(exact)),
    }


def dragging(path: str, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Return updates a second while a point is dragged, and times from event to paint."""
    from playwright.async_api import async_playwright

    async def run() -> list[dict[str, Any]]:
        async with async_playwright() as play:
            browser = await play.chromium.launch(executable_path=path, args=list(FLAGS))
            found = [await _dragged(browser, lab, seconds) for _ in range(rounds)]
            await browser.close()
            return found

    with served() as lab:
        return asyncio.run(run())


def opening(browser: Any, rounds: int) -> dict[str, Any]:
    """Start the command anew several times; return seconds to first paint and to the room."""
    painted, drawn = [], []
    for _ in range(rounds + 1):
        with served() as lab:
            page = browser.new_page()
            page.goto(lab.address)
            page.wait_for_selector('[data-room="regression"][data-busy="false"]')
            drawn.append(time.time() - lab.started)
            paint = page.evaluate(
                """performance.timeOrigin
                + performance.getEntriesByName('first-contentful-paint')[0].startTime"""
            )
            painted.append(paint / 1e3 - lab.started)
            page.close()
    # the first one fills the caches of the disk
    return {"first_paint_s": sorted(painted[1:]), "room_drawn_s": sorted(drawn[1:])}


def connect(lab: Served) -> Any:
    """Open the socket as the page does."""
    from websockets.sync.client import connect as opened

    return opened(
        f"ws://{lab.host}/wire",
        origin=f"http://{lab.host}",  # type: ignore[arg-type]
        additional_headers={"cookie": lab.cookie},
    )


def ask(socket: Any, number: int) -> float:
    """Ask for a line through 50 points; return the seconds until the answer was there."""
    state = points()
    state["y"][number % POINTS] += 0.001 * (number % 1000)
    text = json.dumps({"id": number, "room": "regression", "ask": "answer", "state": state})
    start = time.perf_counter()
    socket.send(text)
    answer = json.loads(socket.recv())
    assert answer["id"] == number
    assert "answer" in answer, answer
    return time.perf_counter() - start


def holding(lab: Served, messages: int, reconnects: int) -> dict[str, Any]:
    """Send many messages and connect anew many times; return the memory of the server."""
    with connect(lab) as socket:
        for number in range(500):
            ask(socket, number)
        first = lab.memory()
        for number in range(messages):
            ask(socket, number)
    after_messages = lab.memory()
    for number in range(reconnects):
        with connect(lab) as socket:
            ask(socket, number)
    return {
        "messages": messages,
        "reconnects": reconnects,
        "memory_before": first,
        "memory_after_messages": after_messages,
        "memory_after_reconnects": lab.memory(),
    }


def crowd(lab: Served, clients: int, each: int) -> dict[str, Any]:
    """Let many clients ask at once; return how long answers took, and how many were missing."""
    times: list[float] = []
    failed: list[str] = []

    def one() -> None:
        try:
            with connect(lab) as socket:
                mine = [ask(socket, number) for number in range(each)]
            times.extend(mine)
        except Exception as error:
            failed.append(repr(error))

    start = time.perf_counter()
    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    times.sort()
    return {
        "clients": clients,
        "answers": len(times),
        "failed": failed,
        "answers_per_second": len(times) / took,
        "median_ms": 1e3 * median(times),
        "p95_ms": 1e3 * times[int(0.95 * len(times))],
    }


def assets() -> dict[str, int]:
    """Return the size of the page's files, as they are and compressed, in bytes."""
    files = [p for p in STATIC.rglob("*") if p.suffix in {".html", ".js", ".css", ".svg"}]
    return {
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "gzip": sum(len(gzip.compress(path.read_bytes(), 6)) for path in files),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and write results/lab.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, shorter drags")
    quick = parser.parse_args(argv).quick
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        say("Chromium is not installed: the lab is not measured")
        return
    from playwright.sync_api import sync_playwright

    results: dict[str, Any] = {"assets": assets(), "load": {"before": os.getloadavg()[0]}}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(FLAGS))
        results["opening"] = opening(browser, 1 if quick else 5)
        say(f"opening: {results['opening']}")
        browser.close()
    results["dragging"] = dragging(path, 1 if quick else 5, 2.0 if quick else 5.0)
    say(f"dragging: {results['dragging']}")
    with served() as lab:
        results["holding"] = holding(lab, 500 if quick else 10_000, 10 if quick else 100)
        say(f"holding: {results['holding']}")
        results["crowd"] = crowd(lab, 50, 5 if quick else 20)
        say(f"crowd: {results['crowd']}")
    results["load"]["after"] = os.getloadavg()[0]
    results["load"]["cores"] = os.cpu_count()
    write("lab", results, quick=quick)


if __name__ == "__main__":
    main()
