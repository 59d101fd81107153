"""The report's page in a browser: what is drawn, what the pointer and the keys do, and that no more happens.

One browser for all of it.  Every page that a test opens is watched: a word on the console, a request for
anything but its own file, or something that its policy forbade fails the test.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.report import documents

from samebits.report.html import page as html

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the tests of the page need playwright: pip install 'samebits[dev]'"
)
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="the page's check for access needs axe"
)

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="the tests of the page need a browser: apt-get install chromium"
)

WATCH = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (event) => forbidden.push(event.violatedDirective));
"""

#: A page is built in two steps: what is seen first, and the rest.
BUILT = """
new Promise((done) => {
  const look = () => (performance.getEntriesByName("page-built").length ? done() : setTimeout(look, 5));
  look();
})
"""

#: Pixels of an element's canvas that have a colour of the page, given by its name.
PIXELS = """
(canvas, name) => {
  const wanted = colour(name).match(/\\d+/g).map(Number);
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    const near = wanted.every((part, index) => Math.abs(part - data[at + index]) < 12);
    if (near && data[at + 3] > 200) found += 1;
  }
  return found;
}
"""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a document's page; at the end of the test nothing must have happened that it does not show."""
    numbers, pages = count(), []

    def open_(document: dict[str, Any], width: int = 1280, height: int = 800, **options: Any) -> Any:
        file = tmp_path / f"{next(numbers)}.html"
        file.write_text(html(document), "utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.add_init_script(WATCH)
        noise: list[str] = []
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda request: request.url == file.as_uri() or noise.append(request.url))
        page.on("dialog", lambda dialog: (noise.append(dialog.message), dialog.dismiss()))
        page.goto(file.as_uri())
        pages.append((page, noise))
        page.evaluate(BUILT)
        settle(page)
        return page

    yield open_
    for page, noise in pages:
        assert noise == []
        assert page.evaluate("forbidden") == []
        assert page.evaluate("window.ran") is None
        page.context.close()


def settle(page: Any) -> None:
    """What a page does at the next frame is done."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def chart(page: Any, title: str) -> Any:
    return page.locator("figure.chart").filter(has=page.get_by_role("heading", name=title, exact=True))


def drawn(part: Any) -> Any:
    """Its canvas, once it is drawn: a chart waits until it is nearly seen."""
    part.scroll_into_view_if_needed()
    canvas = part.locator("canvas").first
    canvas.wait_for()
    settle(part.page)
    return canvas


def pixels(part: Any, name: str) -> int:
    found = drawn(part).evaluate(PIXELS, name)
    assert isinstance(found, int)
    return found


def image(part: Any) -> str:
    return str(drawn(part).evaluate("(canvas) => canvas.toDataURL()"))


def seen(page: Any) -> str:
    settle(page)
    return str(page.locator(".seen").inner_text())


def over(part: Any, across: float, down: float = 0.5) -> tuple[float, float]:
    """A place on the screen, within the plot of a chart."""
    box = part.locator(".u-over").bounding_box()
    assert box
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


# What opens


@pytest.mark.parametrize("name", sorted(documents.ALL.keys() - {"big"}))
def test_opens_in_silence(opened: Open, name: str) -> None:
    page = opened(documents.ALL[name]())
    words = page.locator("body").inner_text()
    assert not re.search(r"undefined|NaN|Infinity|\[object", words)
    assert "default-src 'none'" in page.locator("meta[http-equiv]").get_attribute("content")


def test_what_is_seen_first(opened: Open) -> None:
    page = opened(documents.diverged())
    for words in (
        "DIVERGED", "first at step 40, aten::index_put, train.py:36", "Compared: 200 steps", "20250102-2",
        "reader.embed", "agree in every bit", "244 of 272 elements", "self.table[levels]",
        "nondeterministic-kernel", "samebits.deterministic()", "First layer to differ",
    ):  # fmt: skip
        box = page.get_by_text(words).first.bounding_box()
        assert box, words
        assert box["y"] + box["height"] <= 800, words
    assert page.locator(".code .meant").inner_text().startswith("▶36")
    for title in ("train/loss", "train/loss: difference to A", "gradient norm"):
        box = chart(page, title).locator(".plot").bounding_box()
        assert box["y"] + box["height"] <= 800
    assert page.title().startswith("DIVERGED first at step 40")


def test_what_a_document_does_not_have_does_not_appear(opened: Open) -> None:
    page = opened(documents.logs())
    assert page.locator("section").evaluate_all("(all) => all.map((one) => one.id)") == [
        "charts",
        "metrics",
        "curves",
    ]
    assert page.locator(".strip, .heat, .lanes").count() == 0
    page = opened(documents.empty("failed"))
    assert page.locator("section, canvas").count() == 0
    assert page.locator("h1").inner_text() == "FAILED nothing was compared: torch was not used"


def test_keys_may_be_missing_and_others_be_there(opened: Open) -> None:
    page = opened({"word": "same", "headline": "every bit agrees", "new": {"key": 1}})
    assert page.locator("main").inner_text().split() == ["SAME", "every", "bit", "agrees"]
    document = documents.diverged()
    page = opened({key: value for key, value in document.items() if key not in ("runs", "layers", "first")})
    assert pixels(chart(page, "train/loss"), "run-1") > 60


# Curves


def test_curves_of_both_runs_are_drawn(opened: Open) -> None:
    page = opened(documents.diverged())
    for title in ("train/loss", "gradient norm", "train/accuracy", "val/loss"):
        assert pixels(chart(page, title), "run-0") > 60
        assert pixels(chart(page, title), "run-1") > 60
        assert pixels(chart(page, title), "run-2") == 0
    assert pixels(chart(page, "train/loss: difference to A"), "run-1") > 300
    assert pixels(chart(page, "train/loss"), "differs") > 40  # the mark of the first difference


def test_curves_of_eight_runs_are_told_apart(opened: Open) -> None:
    page = opened(documents.several(8))
    for run in range(1, 8):
        assert pixels(chart(page, "loss: difference to A"), f"run-{run}") > 20
    dashes = page.locator(".runs .swatch line").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('stroke-dasharray'))"
    )
    assert len(dashes) == len(set(dashes)) == 8


def test_what_is_no_number_is_marked(opened: Open) -> None:
    page = opened(documents.diverged())
    scale = chart(page, "scale")
    assert (
        "B is inf in steps 90 to 95; B is nan in steps 96 to 119" in scale.locator(".sentence").inner_text()
    )
    assert "B is inf in steps 90 to 95" in scale.locator(".plot").get_attribute("aria-label")
    drawn(scale)
    scale.locator(".plot").hover(
        position={"x": 62 + (scale.locator(".u-over").bounding_box()["width"]) * 0.502, "y": 40}
    )
    settle(page)
    assert "nan ≠" in scale.locator(".readout").inner_text()


def ulps(a: float, b: float) -> int:
    """Of two positive float32."""
    words = [struct.unpack("i", struct.pack("f", value))[0] for value in (a, b)]
    return abs(words[0] - words[1])


def test_the_pointer_shows_the_values_of_all_runs_and_their_distance(opened: Open) -> None:
    document = documents.diverged()
    page = opened(document)
    loss, difference = chart(page, "train/loss"), chart(page, "train/loss: difference to A")
    difference.get_by_role("button", name="ulp").click()
    page.mouse.move(*over(chart(page, "train/loss"), 0.61))
    settle(page)
    words = loss.locator(".readout").inner_text()
    step = int(re.search(r"step (\d+)", words)[1])  # type: ignore[index]
    assert 118 <= step <= 124
    a, b = (document["curves"][0]["values"][run][step] for run in (0, 1))
    assert f"A{a}" in words
    assert f"B{b} ≠" in words
    assert (
        f"{ulps(a, b):,} ulp"
        in chart(page, "train/loss: difference to A, in ulp").locator(".readout").inner_text()
    )
    assert f"step {step}:" in page.locator(".strip .readout").inner_text()
    page.mouse.move(5, 5)
    settle(page)
    assert "step 199" in loss.locator(".readout").inner_text()


def test_units_in_the_last_place(opened: Open) -> None:
    page = opened(documents.empty())
    for dtype, a, b, apart in (
        ("float32", 1.0, 1.0000001, 1),
        ("float32", 0.0, -0.0, 0),
        ("float32", -1e-45, 1e-45, 2),
        ("float64", 1.0, 1.0000000000000002, 1),
        ("float64", -5e-324, 5e-324, 2),
        ("float64", 1.0, -1.0, 2 * 0x3FF0000000000000),
    ):
        found = page.evaluate("([a, b, dtype]) => ulps(a, b, dtype)", [a, b, dtype])
        assert float(found) == float(apart), (dtype, a)


# Zoom


def test_dragging_zooms_all_charts_and_reset_brings_them_back(opened: Open) -> None:
    page = opened(documents.diverged())
    loss, other = chart(page, "train/loss"), chart(page, "train/accuracy")
    before = image(other), image(page.locator(".strip")), seen(page)
    assert before[2] == "steps 0 to 199"
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(*over(loss, 0.25))
    page.mouse.down()
    page.mouse.move(*over(loss, 0.4))
    page.mouse.move(*over(loss, 0.5))
    page.mouse.up()
    assert seen(page) == "steps 50 to 99"
    assert image(other) != before[0]
    assert image(page.locator(".strip")) != before[1]
    page.get_by_role("button", name="Show all steps").click()
    assert seen(page) == before[2]
    assert page.get_by_role("button", name="Show all steps").is_disabled()
    page.mouse.move(5, 5)
    assert image(other) == before[0]
    page.get_by_role("button", name="Zoom in").click()
    assert seen(page) == "steps 50 to 149"
    page.evaluate("scrollTo(0, 0)")
    page.mouse.dblclick(*over(loss, 0.5))
    assert seen(page) == before[2]


def test_keys_zoom_and_move(opened: Open) -> None:
    page = opened(documents.diverged())
    plot = chart(page, "train/loss").locator(".plot")
    plot.focus()
    assert plot.evaluate("(plot) => getComputedStyle(plot).outlineStyle") == "solid"
    states = []
    for key in ("+", "+", "ArrowRight", "ArrowLeft", "-", "0", "+", "Home"):
        page.keyboard.press(key)
        states.append(seen(page))
    assert states == [
        "steps 50 to 149", "steps 75 to 124", "steps 81 to 130", "steps 75 to 124", "steps 50 to 149",
        "steps 0 to 199", "steps 50 to 149", "steps 0 to 199",
    ]  # fmt: skip
    page.keyboard.press("ArrowRight")  # where all is seen, the pointer moves
    page.keyboard.press("ArrowRight")
    settle(page)
    assert "step 1" in chart(page, "gradient norm").locator(".readout").inner_text()
    assert page.locator("p.unseen[role=status]").inner_text().startswith("step 1, A ")


def test_a_chart_says_in_a_sentence_what_it_shows(opened: Open) -> None:
    page = opened(documents.diverged())
    label = chart(page, "train/loss").locator(".plot").get_attribute("aria-label")
    assert label.startswith(
        "train/loss, 200 points by step, of A (20250102-1) and B (20250102-2). differs in"
    )
    assert "First difference at step 52. Values from 0.328 to 2.41." in label
    label = chart(page, "train/loss: difference to A").locator(".plot").get_attribute("aria-label")
    assert "B agrees in 54 of 200 points, at most 0.05 at step 185" in label


# The strip, the weights, the heat map


def test_the_strip_shows_which_layer_differs_first(opened: Open) -> None:
    page = opened(documents.diverged())
    strip = page.locator(".strip")
    assert pixels(strip, "calm") > 1000
    for layer in (0, 1, 2, 3):
        assert pixels(strip, f"layer-{layer}") > 100
    assert strip.locator(".legend li").all_inner_texts() == [
        "not observed in both", "every layer agrees", "batch", "generator", "loss", "gradient",
    ]  # fmt: skip
    assert "The first step that differs is 40, in gradient." in strip.locator(".lanes").get_attribute(
        "aria-label"
    )
    strip.locator(".lanes").focus()
    said = []
    for key in ("ArrowRight", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
        settle(page)
        said.append(strip.locator(".readout").inner_text())
    assert said == [
        "step 40: gradient differs first", "step 39: every layer agrees", "step 40: gradient differs first",
        "step 41: gradient differs first", "step 52: loss differs first",
    ]  # fmt: skip
    strip.locator(".lanes").hover(position={"x": 64, "y": 20})
    settle(page)
    assert strip.locator(".readout").inner_text() == "step 0: every layer agrees"


def test_parameters_that_differ_while_the_loss_agrees_are_named(opened: Open) -> None:
    page = opened(documents.diverged())
    weights = page.locator("#weights")
    assert "The loss agrees and the parameters do not in steps 40 to 51." in weights.inner_text()
    assert pixels(weights, "layer-0") > 100
    assert weights.locator("tbody tr.differs").inner_text().split() == [
        "steps", "40", "to", "51", "agrees", "differs", documents.digest(2), documents.digest(3)]  # fmt: skip
    page = opened(documents.same())
    assert "Wherever the loss agrees, the parameters agree too." in page.locator("#weights").inner_text()


def test_the_heat_map(opened: Open) -> None:
    page = opened(documents.diverged())
    part = page.locator("#modules")
    box = part.locator(".heat")
    for name in ("calm", "heat-0", "heat-3", "heat-6"):
        assert box.locator("canvas").count() == 1
        assert pixels(box, name) > 100
    label = box.get_attribute("aria-label")
    assert "The first gradient that differs is that of reader.body.0.conv, at steps 40 to 44" in label
    before = image(box)
    part.get_by_role("button", name="parameters").click()
    assert image(box) != before
    assert (
        "The first parameter that differs is that of reader.body.0.conv, at steps 50 to 54"
        in box.get_attribute("aria-label")
    )
    box.hover(position={"x": 600, "y": 8})
    tip = page.locator(".tip")
    assert re.fullmatch(
        r"reader\.body\.0\.conv, steps \d+ to \d+: norms differ by .+ of the larger", tip.inner_text()
    )
    box.focus()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert part.locator(".readout").inner_text() == "reader.body.0.norm, steps 5 to 9: every bit agrees"


def test_generators(opened: Open) -> None:
    page = opened(documents.diverged())
    part = page.locator("#generators")
    assert "12 random operations in A and 13 in B at steps 130 to 134" in part.inner_text()
    assert "Its state differs first at steps 135 to 139." in part.inner_text()
    assert pixels(part.locator("figure").first, "run-1") > 20


# Lists


def test_operations_are_filtered(opened: Open) -> None:
    page = opened(documents.diverged())
    part = page.locator("#operations")
    counted = part.locator(".counted")
    assert counted.inner_text() == "122 rows"
    first = part.locator("tr.first")
    assert "aten::index_put" in first.inner_text()
    assert "differs: the first" in first.inner_text()
    top, bottom = (part.locator(".rows").bounding_box()[side] for side in ("y", "height"))
    assert top < first.bounding_box()["y"] < top + bottom
    part.get_by_role("checkbox").check()
    document = documents.diverged()
    differing = [row for row in document["operations"] if not row["same"]]
    assert counted.inner_text() == f"{len(differing)} of 122 rows"
    part.get_by_role("searchbox").fill("relu train.py:33")
    rows = part.locator("tr.row")
    assert 0 < rows.count() < 20
    for words in rows.all_inner_texts():
        assert "aten::relu" in words
        assert "train.py:33" in words
    part.get_by_role("searchbox").fill("no such name")
    assert (rows.count(), counted.inner_text()) == (0, "0 of 122 rows")
    part.get_by_role("checkbox").uncheck()
    part.get_by_role("searchbox").fill("")
    part.locator(".rows").evaluate("(box) => (box.scrollTop = 10)")
    part.get_by_role("button", name="go to the first difference").click()
    settle(page)
    assert part.locator("tr.first").is_visible()
    part.locator(".rows").evaluate("(box) => (box.scrollTop = 20 * 24)")
    settle(page)
    assert "only in B" in part.inner_text()


def test_a_fix_is_copied(opened: Open) -> None:
    page = opened(documents.diverged(), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the fix of nondeterministic-kernel").click()
    page.get_by_text("copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == documents.CAUSES[0]["fix"]


# Light, dark, paper, narrow screens


def test_what_was_found_by_running_it_again(opened: Open) -> None:
    page = opened(documents.trials())
    part = page.locator("#trials-cure")
    assert part.locator("tbody tr").count() == 1
    for words in ("CURED", "What makes it repeat", "np.random.seed(0)", "+numpy.random.seed(0)", "run it so"):
        assert words in page.locator("body").inner_text()
    assert part.locator("td.agrees").inner_text() == "needed"


def test_light_and_dark(opened: Open) -> None:
    page = opened(documents.diverged(), color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background), page.evaluate("colour('run-0')")
    assert pixels(chart(page, "train/loss"), "run-0") > 60
    page.get_by_role("button", name="light").click()
    light = page.evaluate(background), page.evaluate("colour('run-0')")
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    assert pixels(chart(page, "train/loss"), "run-0") > 60
    page.get_by_role("button", name="dark").click()
    assert page.evaluate(background) == dark[0]


def test_paper_is_light_and_whole(opened: Open) -> None:
    page = opened(documents.diverged(), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    settle(page)
    assert (
        page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    assert not page.locator(".bar").is_visible()
    assert page.locator("#operations tr.row").count() == 122
    assert page.locator(".plot").count() == page.locator(".plot canvas").count() > 6
    width = page.locator("body").evaluate("(body) => body.clientWidth")
    assert all(
        canvas <= width
        for canvas in page.locator("canvas").evaluate_all("(all) => all.map((one) => one.clientWidth)")
    )
    assert pixels(page.locator("#modules .heat"), "heat-6") > 100
    page.emulate_media(media="screen")
    settle(page)
    assert page.locator(".bar").is_visible()
    assert page.locator("#operations tr.row").count() < 60


def test_the_browsers_print_draws_before_it_prints(opened: Open) -> None:
    page = opened(documents.diverged())
    plots = "document.querySelectorAll('.plot canvas').length"
    now = page.evaluate(f"() => {{ dispatchEvent(new Event('beforeprint')); return {plots}; }}")
    assert now == page.locator(".plot").count()


@pytest.mark.parametrize("name", ["diverged", "hostile"])
def test_a_narrow_screen(opened: Open, name: str) -> None:
    page = opened(documents.ALL[name](), width=360, height=700)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["diverged", "logs", "trials"])
def test_axe_finds_nothing_serious(opened: Open, name: str, scheme: str) -> None:
    page = opened(documents.ALL[name](), color_scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in serious] == []


# What is hostile, and what is big


def test_hostile_text_is_shown_and_never_run(opened: Open) -> None:
    page = opened(documents.hostile())
    words = page.locator("body").inner_text()
    for shown in (
        documents.HOSTILE[0], documents.HOSTILE[1], "\\u202egnp.exe", "a\\x00b\\x1b[31m",
        "half \\ud800 a pair", "{{document}} ${window.ran='template'}",
    ):  # fmt: skip
        assert shown in words
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", words)
    assert page.locator("img, iframe, object, a[href^=javascript]").count() == 0
    more = page.get_by_role("button", name="all 10,000 characters").first
    more.click()
    assert "x" * 10_000 in page.locator("body").inner_text()


def test_a_hundred_thousand_steps(opened: Open, record_property: Callable[[str, object], None]) -> None:
    document = documents.big()
    page = opened(document)
    record_property(
        "milliseconds to the first curve",
        page.evaluate("performance.getEntriesByName('first-curve')[0].startTime"),
    )
    assert pixels(chart(page, "loss"), "run-1") > 300
    assert page.evaluate("document.querySelectorAll('*').length") < 3000
    assert page.locator("#operations tr.row").count() < 60
    assert (
        3 <= page.locator(".plot canvas").count() < 16
    )  # of 27: the others are drawn when they are nearly seen
    chart(page, "loss").locator(".plot").focus()
    page.keyboard.press("+")
    assert seen(page) == "steps 25,000 to 74,999"
    page.evaluate("for (let press = 0; press < 13; press++) axes.get('step').zoom(0.5)")
    first, last = (int(number.replace(",", "")) for number in re.findall(r"[\d,]+", seen(page)))
    assert 0 < last - first < 20
