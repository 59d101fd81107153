"""What it takes to look at two runs: the log, the bytes of the view, the seconds until a curve is there.

Two runs of 100,000 steps with two scalars are written by the writers of TensorBoard, Aim and wandb.  They
agree but for one step.  Each view is opened five times, in turn, in a browser without a cache; the table
shows the median.  The tools are in an environment of their own, which also holds playwright:

    python -m venv FOLDER && FOLDER/bin/pip install tensorboard aim wandb playwright
    python -m benchmarks.viewers FOLDER/bin/python CHROMIUM [LOGS]

LOGS is a folder that keeps the logs for the next time; writing them takes minutes.  wandb's comparer is a
hosted service, so of wandb only the log is measured.  Writes results/viewers.csv.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from benchmarks.machine import describe, write

STEPS = 100_000
METRICS = ("loss", "grad_norm")
PLACE = 54_321  # the step that differs, chosen before anything was measured
#: A run, and by how much its loss, which is about 0.7, differs at that step.
RUNS = {"a": "", "ulp": "1 ulp", "spike": "0.5"}
ROUNDS = 5
WAIT = 180.0  # seconds for a server or a curve
URI = ";,/?:@&=+$-_.!~*'()#"  # what JavaScript's encodeURI leaves as it is
ROOT = Path(__file__).resolve().parents[1]


def numbers(difference: str) -> Iterator[tuple[int, float, float]]:
    """(step, loss, norm of the gradient): float32, so that every log holds the same numbers."""
    import numpy as np

    draw = np.random.default_rng(11)
    steps = np.arange(STEPS)
    loss = (2.0 / (1 + steps / 5000) + 0.5 + 0.02 * draw.standard_normal(STEPS)).astype(np.float32)
    norm = (1.0 + 0.1 * draw.standard_normal(STEPS)).astype(np.float32)
    if difference == "1 ulp":
        loss[PLACE] = np.nextafter(loss[PLACE], np.float32(np.inf))
    elif difference:
        loss[PLACE] += np.float32(difference)
    return zip(range(STEPS), loss.tolist(), norm.tolist(), strict=True)


# Up to `kept_by_accumulator` this runs in the tools' environment, which has neither torch nor samebits.


def write_tensorboard(folder: Path, difference: str) -> None:
    """As torch's SummaryWriter does, which hands its events to this writer."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step, *values in numbers(difference):
        for name, value in zip(METRICS, values, strict=True):
            summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
            writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
    writer.close()


def write_aim(folder: Path, difference: str) -> None:
    from aim import Repo, Run

    alone = {"system_tracking_interval": None, "capture_terminal_logs": False}
    run = Run(repo=Repo.from_path(str(folder.parent), init=True), experiment=folder.name, **alone)
    for step, *values in numbers(difference):
        for metric, value in zip(METRICS, values, strict=True):
            run.track(value, name=metric, step=step)
    run.close()


def write_wandb(folder: Path, difference: str) -> None:
    import wandb

    settings = wandb.Settings(mode="offline", console="off", x_disable_stats=True, silent=True)
    with wandb.init(project="viewers", dir=str(folder), settings=settings) as run:
        for step, *values in numbers(difference):
            run.log(dict(zip(METRICS, values, strict=True)), step=step)


def write_csv(folder: Path, difference: str) -> None:
    rows = [f"{step},{loss!r},{norm!r}" for step, loss, norm in numbers(difference)]
    (folder / "metrics.csv").write_text("\n".join([",".join(("step", *METRICS)), *rows]) + "\n")


WRITERS: Mapping[str, Callable[[Path, str], None]] = {
    "tensorboard": write_tensorboard,
    "aim": write_aim,
    "wandb": write_wandb,
    "csv": write_csv,
}

#: Runs in the page from its beginning.  A curve is there when a third of a canvas' columns have pixels of a
#: colour, or an svg has a long path: text, axes and icons are grey, small or short.
WATCH = """
(() => {
  const inside = (root, found) => {
    for (const one of root.querySelectorAll('*')) {
      if (one.shadowRoot) inside(one.shadowRoot, found);
      if (one instanceof HTMLCanvasElement || one instanceof SVGPathElement) found.push(one);
    }
    return found;
  };
  const plain = (canvas) => {  // what another thread or WebGL draws cannot be read in its own canvas
    const copy = document.createElement('canvas');
    copy.width = canvas.width; copy.height = canvas.height;
    copy.getContext('2d', {willReadFrequently: true}).drawImage(canvas, 0, 0);
    return copy;
  };
  const colourful = (canvas) => {
    if (canvas.width < 150 || canvas.height < 80) return false;
    const copy = plain(canvas);
    const pixels = copy.getContext('2d').getImageData(0, 0, copy.width, copy.height).data;
    const columns = new Set();
    for (let i = 0; i < pixels.length; i += 4) {
      const part = pixels.slice(i, i + 3);
      if (pixels[i + 3] > 60 && Math.max(...part) - Math.min(...part) > 25) columns.add((i / 4) % copy.width);
    }
    return columns.size > copy.width / 3;
  };
  const drawn = (one) => {
    const box = one.getBoundingClientRect();
    if (box.width < 100 || box.height < 5 || box.top > innerHeight) return false;
    if (one instanceof HTMLCanvasElement) return colourful(one);
    return (one.getAttribute('d') || '').length > 400 && getComputedStyle(one).stroke !== 'none';
  };
  window.firstCurve = null;
  const look = () => {
    try {
      const found = document.body && inside(document, []).find(drawn);
      if (found) { window.firstCurve = [performance.now(), found.constructor.name]; return; }
    } catch (error) { window.curveError = String(error); }
    setTimeout(look, 50);
  };
  look();
})();
"""


def opened(address: str, chromium: str, picture: str) -> dict[str, Any]:
    """One opening in a browser that has never seen the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        sizes: list[float] = []
        asked: list[str] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(WATCH)
        page.goto(address, wait_until="commit")
        until = time.monotonic() + WAIT
        while not (
            first := page.evaluate("window.firstCurve")
        ):  # a page may forbid eval, which waiting needs
            if time.monotonic() > until:
                raise SystemExit(f"no curve at {address}")
            page.wait_for_timeout(100)
        page.wait_for_timeout(4000)  # what is loaded after the first curve belongs to the view as well
        if picture:
            page.screenshot(path=picture)
        chromium = browser.version
        browser.close()
    local = ("http://127.0.0.1", "file:", "data:", "blob:")
    others = sorted({url.split("/")[2] for url in asked if not url.startswith(local)})
    return {"seconds": first[0] / 1000, "bytes": int(sum(sizes)), "others": others, "chromium": chromium}


def versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("tensorboard", "tensorboard-data-server", "aim", "wandb")}


def kept(runs: Sequence[Mapping[int, float]]) -> list[int]:
    """How many points a view gets of the loss of a run, and in how many of them the two runs differ."""
    if len(runs) < 2:
        return [0, 0]
    one, other = runs
    return [len(one), sum(other.get(step) != value for step, value in one.items())]


def kept_by_aim(repository: str) -> list[int]:
    """Of what Aim's server hands to its page, which asks for 500 points."""
    from aim import Repo

    found = Repo(repository).query_metrics('metric.name == "loss"').iter()
    data = [metric.data.view("val").sample(500).numpy() for metric in found]
    return kept([dict(zip(steps.tolist(), values.tolist(), strict=True)) for steps, (values,) in data])


def kept_by_accumulator(folders: list[str]) -> list[int]:
    """Of what scripts get that read events by TensorBoard's EventAccumulator as it comes."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runs = []
    for folder in folders:
        accumulator = EventAccumulator(folder)
        accumulator.Reload()
        runs.append({scalar.step: scalar.value for scalar in accumulator.Scalars("loss")})
    return kept(runs)


def size(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files)


@dataclass
class View:
    """One way to look at two runs, as it is measured.

    Attributes:
        log: bytes of the two logs.
        ready: seconds from the command until the view can be opened with all data in it.
        memory: bytes that the command takes at most, its children included.
        points: of one metric of one run that the view gets.
        differing: how many of them differ between the runs.
        openings: what was measured in each round.
    """

    tool: str
    setting: str
    address: str = ""
    log: int = 0
    ready: float = 0.0
    memory: int = 0
    points: int = 0
    differing: int = 0
    openings: list[dict[str, Any]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        seconds = [one["seconds"] for one in self.openings]
        return {
            "tool": self.tool,
            "setting": self.setting,
            "log_bytes": self.log or "",
            "ready_seconds": self.ready or "",
            "memory_bytes": self.memory or "",
            "points": self.points or "",
            "differing_points": self.differing if self.points else "",
            "curve_seconds": statistics.median(seconds) if seconds else "",
            "low": min(seconds, default=""),
            "high": max(seconds, default=""),
            "loaded_bytes": max((one["bytes"] for one in self.openings), default=""),
            "other_hosts": " ".join(self.openings[0]["others"]) if self.openings else "",
        }


def in_tools(python: str, *arguments: str) -> Any:
    command = [python, "-m", "benchmarks.viewers", *arguments]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def written(python: str, logs: Path) -> None:
    for tool in WRITERS:
        for run, difference in RUNS.items():
            folder = logs / tool / run
            if (folder / "done").exists() or (tool, run) == ("aim", "ulp"):
                continue
            folder.mkdir(parents=True, exist_ok=True)
            in_tools(python, "--write", tool, str(folder), difference)
            (folder / "done").touch()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from tree(int(child))


def most_memory(pid: int) -> int:
    """Bytes of the largest resident sets that a process and its children had so far, added up."""
    found = (re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{one}/status").read_text()) for one in tree(pid))
    return sum(1024 * int(one[1]) for one in found if one)


def fetched(address: str, body: bytes | None = None, kind: str = "") -> Any:
    request = Request(address, body, {"Content-Type": kind} if kind else {})
    with urlopen(request, timeout=WAIT) as answer:
        return json.loads(answer.read())


@contextmanager
def server(view: View, command: list[str], is_ready: Callable[[], bool]) -> Iterator[View]:
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while True:
            try:
                if is_ready():
                    break
            except (OSError, ValueError, LookupError):
                pass
            if process.poll() is not None or time.perf_counter() - began > WAIT:
                raise SystemExit(f"{' '.join(command)}: no answer")
            time.sleep(0.2)
        view.ready = time.perf_counter() - began
        yield view
        view.memory = most_memory(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def tensorboard(python: str, runs: Sequence[Path], *options: str) -> Iterator[View]:
    """The first of the runs is called a there, the second b."""
    port = free_port()
    view = View("TensorBoard", " ".join(options) or "default", log=sum(map(size, runs)))
    view.address = f"http://127.0.0.1:{port}/#timeseries"
    form = json.dumps([{"plugin": "scalars", "tag": "loss"}])
    body = f'--x\r\nContent-Disposition: form-data; name="requests"\r\n\r\n{form}\r\n--x--\r\n'.encode()
    place = f"http://127.0.0.1:{port}/data/plugin/timeseries/timeSeries"

    def is_ready() -> bool:
        series = fetched(place, body, "multipart/form-data; boundary=x")[0]["runToSeries"]
        runs = [{point["step"]: point["value"] for point in points} for points in series.values()]
        if len(runs) < 2 or any(STEPS - 1 not in run for run in runs):
            return False
        view.points, view.differing = kept(runs)
        return True

    with tempfile.TemporaryDirectory() as links:
        for name, run in zip("ab", runs, strict=True):
            (Path(links) / name).symlink_to(run)
        program = str(Path(python).with_name("tensorboard"))
        with server(view, [program, "--logdir", links, "--port", str(port), *options], is_ready):
            yield view


@contextmanager
def aim(python: str, repository: Path) -> Iterator[View]:
    """The page asks for metrics to be picked; its address holds which, so it is opened with them."""
    port = free_port()
    picked = [
        {"label": name, "group": name, "type": "metrics", "key": name, "color": "#3E72E7"}
        | {"value": {"option_name": name, "context": None}}
        for name in METRICS
    ]
    state = {"options": picked, "query": "", "advancedMode": False, "advancedQuery": ""}
    text = base64.urlsafe_b64encode(quote(json.dumps(state), safe=URI).encode()).decode().rstrip("=")
    view = View("Aim", "default", log=size(repository / ".aim"))
    view.address = f"http://127.0.0.1:{port}/metrics?select=O-{text}"
    program = str(Path(python).with_name("aim"))
    command = [program, "up", "--repo", str(repository), "--port", str(port), "--yes"]
    with server(view, command, lambda: bool(fetched(f"http://127.0.0.1:{port}/api/projects/"))):
        while not view.points:  # new runs are found some seconds after the first answer
            view.points, view.differing = in_tools(python, "--kept-by-aim", str(repository))
        yield view


def report(kind: str, logs: Path, page: Path, other: str = "spike") -> View:
    runs = [logs / kind / "a", logs / kind / other]
    view = View("samebits", f"report of {kind}", page.as_uri(), log=sum(map(size, runs)))
    words = ["report", *map(str, runs), "-o", str(page), "--json", str(page.with_suffix(".json"))]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "samebits", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    view.ready, view.memory = time.perf_counter() - began, 1024 * used.ru_maxrss
    assert os.waitstatus_to_exitcode(status) == 1, said  # the runs diverge
    curve = json.loads(page.with_suffix(".json").read_text())["curves"][0]
    assert (curve["name"], curve["first"]) == ("loss", PLACE), curve["sentence"]
    shown = [dict(zip(curve["steps"], values, strict=True)) for values in curve["values"]]
    view.points, view.differing = kept(shown)
    return view


def main(python: str, chromium: str, logs: Path) -> int:
    written(python, logs)
    event = logs / "tensorboard"
    everything = f"--samples_per_plugin=scalars={STEPS}"  # 0 shows none (issue 5550)
    pictures = os.environ.get("PICTURES", "")
    with tempfile.TemporaryDirectory() as pages, ExitStack() as stack:
        views = [report(kind, logs, Path(pages) / f"{kind}.html") for kind in ("tensorboard", "csv", "wandb")]
        pair = [event / "a", event / "spike"]
        views.append(stack.enter_context(tensorboard(python, pair)))
        views.append(stack.enter_context(tensorboard(python, pair, everything)))
        views.append(stack.enter_context(aim(python, logs / "aim")))
        for turn in range(ROUNDS):
            for number, view in enumerate(views):
                if view.setting in ("report of csv", "report of wandb"):  # the same page
                    continue
                picture = f"{pictures}/{number}.png" if pictures and not turn else ""
                view.openings.append(in_tools(python, "--open", view.address, chromium, picture))
                print(view.tool, view.setting, f"{view.openings[-1]['seconds']:.2f} s", flush=True)
    rows = [view.row() for view in views]
    points, differing = in_tools(python, "--kept-by-accumulator", *map(str, pair))
    rows.append(View("EventAccumulator", "default", points=points, differing=differing).row())
    logged = sum(size(logs / "wandb" / run) for run in ("a", "spike"))
    rows.append(View("wandb", "log alone", log=logged).row())
    known = in_tools(python, "--versions") | {"chromium": views[0].openings[0]["chromium"]}
    write(ROOT / "benchmarks" / "results" / "viewers.csv", [row | known for row in rows])
    for row in rows:
        print(row)
    print(describe(), known)
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--write", tool, folder, difference]:
            WRITERS[tool](Path(folder), difference)
            print("null")
        case ["--open", address, chromium, picture]:
            print(json.dumps(opened(address, chromium, picture)))
        case ["--kept-by-aim", repository]:
            print(json.dumps(kept_by_aim(repository)))
        case ["--kept-by-accumulator", *folders]:
            print(json.dumps(kept_by_accumulator(folders)))
        case ["--versions"]:
            print(json.dumps(versions()))
        case [python, chromium]:
            with tempfile.TemporaryDirectory() as logs:
                sys.exit(main(python, chromium, Path(logs)))
        case [python, chromium, logs]:
            sys.exit(main(python, chromium, Path(logs).resolve()))
        case _:
            sys.exit(__doc__)
