"""The page in a browser: opening, filtering, following a cell to its case and its reproducer, and who can read it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from convsuite.reports.html import page as html

from .conftest import DESKTOP, HOSTILE, PHONE, record, run_json

AXE = {"light": '{resultTypes: ["violations"]}', "dark": '{runOnly: ["color-contrast"], resultTypes: ["violations"]}'}
"""All rules once; dark differs in its colours alone."""
VIEWS = ("matrix", "causes", "accuracy", "note", "pictures", "environment")
CASE = "#view=case&case=conv2d%2Fpadding%3A%3Astride-2"
ODD = "#view=case&case=conv_transpose2d%2Fodd%3A%3Agrouped"
TRAP = "#view=matrix&state=trap"


def shown_cases(page):
    page.wait_for_function("!document.querySelector('.tabulator-row') || List.table.initialized")
    page.wait_for_timeout(100)
    return page.locator("#list .tabulator-row a").all_inner_texts()


def cell(page, op, where, engine):
    return page.get_by_role("link", name=re.compile(f"^{re.escape(f'{op}, {where}, {engine}:')}"))


def test_it_opens_and_asks_nobody(open_page, page_file):
    page = open_page()
    assert page.locator("html").get_attribute("data-shown") == "matrix"
    for view in VIEWS:
        page.goto(f"{page_file.as_uri()}#view={view}")
        page.wait_for_selector(f"html[data-shown='{view}']", state="attached")
        assert page.locator(f"#{view}").is_visible()
    assert {url.partition("#")[0] for url in page.asked if not url.startswith("data:")} == {page_file.as_uri()}
    assert page.said == []


def test_the_matrix_counts_cases(open_page):
    page = open_page()
    page.get_by_role("button", name="conv_transpose").click()
    assert "1 trap" in cell(page, "conv", "padding same", "torch").get_attribute("aria-label")
    assert "1 differs" in page.get_by_role("link", name=re.compile("^conv_transpose, jax:")).get_attribute("aria-label")
    assert page.locator("#table-of-states thead th").all_inner_texts()[1:] == ["keras", "torch", "jax"]
    assert page.get_by_role("button", name="conv_transpose").get_attribute("aria-expanded") == "true"
    page.get_by_role("button", name="conv_transpose").click()
    assert cell(page, "conv_transpose", "padding explicit, uneven", "jax").count() == 0


def test_a_cell_leads_to_its_cases_a_case_and_its_reproducer(open_page):
    page = open_page()
    cell(page, "conv", "padding same", "torch").click()
    page.wait_for_function("location.hash.includes('engine=torch')")
    page.wait_for_function("document.activeElement.id === 'cases-title'")
    assert shown_cases(page)[0] == "conv2d/padding::stride-2"  # the one that differs comes first
    page.locator("#list").get_by_role("link", name="conv2d/padding::stride-2").click()
    page.wait_for_selector("#case .card.bad")
    card = page.locator(".card.bad")
    for text in ("torch, literal", "SAME pads half a kernel on both sides", "Pad first.", "The usual port of SAME"):
        assert text in card.inner_text()
    card.locator("summary", has_text="Reproducer").click()
    assert "sys.exit(1)" in card.locator("details pre").first.inner_text()
    assert "Exit status 1: the discrepancy is there." in card.inner_text()
    assert "expected 21" in card.inner_text()
    page.get_by_role("link", name="← to the list").click()
    page.wait_for_selector("#matrix:not([hidden])")
    page.wait_for_function("document.activeElement.id === 'cases-title'")
    assert page.locator("select[name=engine]").input_value() == "torch"


def test_the_error_map_is_drawn_and_told(open_page):
    page = open_page(CASE)
    heat = page.locator(".heat")
    assert heat.locator("svg rect").count() >= 12
    told = heat.locator("svg").first.get_attribute("aria-label")
    assert "4 of 12 places are off" in told
    assert "not finite" in told
    assert "batch, channel" in told


def test_what_has_no_map_or_reproducer_says_so(open_page):
    page = open_page(ODD)
    text = page.locator(".card.bad").inner_text()
    assert "The run kept no map of the error." in text
    assert "convsuite repro RUN 'conv_transpose2d/odd::grouped' --engine jax" in text


def test_where_nothing_was_called_the_case_is_run_again(open_page, tmp_path):
    """`convsuite repro` has no script for such a record, and the page does not send anybody there."""
    made = [record("conv1d/a::one", "my engine.py:E", verdict="unsupported", program=None, message="no words")]
    file = tmp_path / "index.html"
    file.write_text(html.render(run_json(), made), encoding="utf-8")
    page = open_page("#view=case&case=conv1d%2Fa%3A%3Aone", file=file)
    assert "convsuite run conv1d/a::one --engine 'my engine.py:E'" in page.locator(".card.bad").inner_text()
    assert "convsuite repro" not in page.locator("#case").inner_text()


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"state": "trap"}, ["conv2d/padding::stride-2"]),
        pytest.param({"status": "new"}, ["conv_transpose2d/odd::grouped"], marks=pytest.mark.slow),
        pytest.param({"rank": "3"}, ["conv3d/large::crash"], marks=pytest.mark.slow),
        pytest.param({"verdict": "refused"}, ["refuse/conv::stride-0"], marks=pytest.mark.slow),
        pytest.param({"form": "literal"}, ["conv2d/padding::stride-2"], marks=pytest.mark.slow),
        pytest.param({"cause": "same-pads-half-a-kernel"}, ["conv2d/padding::stride-2"], marks=pytest.mark.slow),
        ({"where": "relation:shift"}, ["laws/shift::one"]),
        ({"op": "conv_transpose", "engine": "keras"}, ["conv_transpose2d/odd::grouped"]),
        ({"op": "conv_transpose", "rank": "3"}, []),
    ],
)
def test_filters_choose_and_stand_in_the_address(open_page, chosen, left):
    page = open_page()
    for name, value in chosen.items():
        page.locator(f"select[name={name}]").select_option(value)
    assert shown_cases(page) == left
    page.reload()  # the address alone tells
    page.wait_for_selector("html[data-listed]", state="attached")
    assert shown_cases(page) == left
    assert all(page.locator(f"select[name={name}]").input_value() == value for name, value in chosen.items())
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("!location.hash.includes('&')")
    assert len(shown_cases(page)) > 4


def test_search_finds_words_of_parameters_and_ids(open_page):
    page = open_page()
    page.get_by_role("searchbox").fill("GROUPED conv_transpose")
    page.wait_for_function("location.hash.includes('q=')")
    assert shown_cases(page) == ["conv_transpose2d/odd::grouped"]
    page.get_by_role("searchbox").fill("no such thing")
    page.wait_for_function("document.getElementById('listed').textContent === 'No case fits.'")
    assert "Nothing fits." in page.locator("#table-of-states").inner_text()


@pytest.mark.slow
def test_a_link_to_what_the_run_has_not_says_so(open_page):
    page = open_page("#view=case&case=no%3A%3Asuch")
    assert "The run has no case" in page.locator("#case-body").inner_text()
    page = open_page("#view=matrix&engine=caffe")
    assert "caffe (not in this run)" in page.locator("select[name=engine]").inner_text()
    assert page.said == []


@pytest.mark.slow
def test_back_goes_back(open_page):
    page = open_page()
    page.locator("select[name=state]").select_option("trap")
    page.wait_for_function("location.hash.includes('trap')")
    page.locator("#list a").first.click()
    page.wait_for_selector("#case:not([hidden]) .card")
    page.go_back()
    page.wait_for_selector("#matrix:not([hidden])")
    assert page.locator("select[name=state]").input_value() == "trap"
    page.go_back()
    page.wait_for_function("document.querySelector('select[name=state]').value === ''")


@pytest.fixture(scope="module")
def long_page(tmp_path_factory):
    """A page whose list is longer than its frame, of engines with long and short names and ids that differ late."""
    engines = ("keras", "keras-torch", "tensorflow", "torch", "jax", "keras-jax")
    ids = [f"extremes/defects::gradient-where-a-strided-kernel-ends[strides={n},padding=same]" for n in range(300)]
    made = [record(name, engine, verdict="differs") for name in ids for engine in engines]
    file = tmp_path_factory.mktemp("long") / "index.html"
    file.write_text(html.render(run_json(), made), encoding="utf-8")
    return file


PLACE = "[scrollY, document.activeElement.textContent, document.querySelector('.tabulator-tableholder')?.scrollTop > 0]"


@pytest.mark.slow
@pytest.mark.parametrize("reloaded", [False, True])
def test_back_leads_to_where_the_reader_was(open_page, long_page, reloaded):
    page = open_page(file=long_page)
    page.locator(".tabulator-tableholder").evaluate("place => { place.scrollTop = 4000; }")
    page.evaluate("scrollTo(0, 400)")
    page.wait_for_timeout(300)
    number = page.evaluate(
        "[...document.querySelectorAll('#list a')].findIndex((one) => one.getBoundingClientRect().top > "
        "document.querySelector('.tabulator-tableholder').getBoundingClientRect().top + 60)"
    )
    page.locator("#list a").nth(number).focus()
    page.wait_for_timeout(200)
    before = page.evaluate(PLACE)
    assert before[0] > 300
    assert before[2]
    page.keyboard.press("Enter")
    page.wait_for_selector("#case:not([hidden]) .card")
    assert page.evaluate("scrollY") == 0
    if reloaded:
        page.reload()
        page.wait_for_selector("html[data-shown=case]", state="attached")
    page.go_back()
    page.wait_for_function(f"JSON.stringify({PLACE}) === {json.dumps(json.dumps(before, separators=(',', ':')))}")


@pytest.mark.slow
def test_rows_and_engines_of_the_list_are_told_apart(open_page, long_page):
    page = open_page(file=long_page, viewport={"width": 1280, "height": 900})
    cut = "(places) => places.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"
    page.wait_for_timeout(200)
    assert page.locator("#list .tabulator-col.engine .tabulator-col-title").evaluate_all(cut) == []
    assert page.locator("#list .tabulator-cell[tabulator-field=id]").evaluate_all(cut) == []
    heights = "(titles) => titles.map((one) => one.clientHeight)"
    assert max(page.locator("#list .tabulator-col.engine .tabulator-col-title").evaluate_all(heights)) < 30  # one line
    row = page.locator("#list .tabulator-row").first
    link, frame = row.locator("a").bounding_box(), row.bounding_box()
    assert link["y"] + link["height"] <= frame["y"] + frame["height"]


@pytest.mark.slow
def test_a_script_is_copied_without_a_clipboard_of_today(open_page):
    page = open_page(CASE)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("document.addEventListener('copy', () => { window.taken = String(document.activeElement.value); })")
    page.locator(".card.bad summary", has_text="Reproducer").click()
    page.get_by_role("button", name="Copy script").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.taken") == "import sys\nsys.exit(1)"
    assert page.locator("textarea").count() == 0


def test_hostile_texts_are_texts(open_page):
    page = open_page(ODD)
    assert HOSTILE in page.locator(".card.bad").inner_text()
    page.get_by_role("link", name="Causes").click()
    page.wait_for_selector("#causes:not([hidden])")
    assert HOSTILE.capitalize()[:20].lower() in page.locator("#causes").inner_text().lower()
    assert "taken" not in page.title()
    assert page.said == []


@pytest.mark.slow
def test_causes_lead_to_their_cases_and_reproducers(open_page):
    page = open_page("#view=causes")
    cause = page.locator("#cause-same-pads-half-a-kernel")
    assert "What makes it agree: Pad first." in cause.inner_text()
    cause.locator("summary").first.click()
    cause.locator("pre", has_text="sys.exit(1)").wait_for()
    cause.get_by_role("link", name="1 case", exact=True).click()
    page.wait_for_selector("#matrix:not([hidden])")
    assert shown_cases(page) == ["conv2d/padding::stride-2"]


def test_relations_and_their_parts_know_each_other(open_page):
    page = open_page("#view=case&case=laws%2Fshift%3A%3Aone")
    page.get_by_role("link", name="laws/shift::one/shifted").click()
    page.wait_for_function("document.getElementById('case-title').textContent.endsWith('shifted')")
    assert page.locator("#case-body").get_by_role("link", name="laws/shift::one", exact=True).count() == 1


@pytest.mark.slow
def test_notes_pictures_and_environment_are_there(open_page):
    page = open_page("#view=note")
    assert "refuted" in page.locator("#note").inner_text()
    page = open_page("#view=pictures")
    assert page.locator("#pictures svg[role=img]").count() == 2
    assert "not installed: tensorflow" in page.locator("#pictures").inner_text()
    page = open_page("#view=environment")
    for text in ("keras 1.0", "A CPU", "OMP_NUM_THREADS=1", "not installed: tensorflow"):
        assert text in page.locator("#environment").inner_text()


@pytest.mark.slow
def test_the_keyboard_is_enough(open_page):
    page = open_page(TRAP)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "conv2d/padding::stride-2":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.wait_for_selector("#case:not([hidden]) .card")
    page.wait_for_function("document.activeElement.id === 'case-title'")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    page.locator(".card.bad details[open] pre").first.wait_for()


def every_view(page, file):
    """Goes to every view, opens what can be opened there, and gives the address."""
    for address in (*(f"#view={view}" for view in VIEWS), CASE, ODD):
        view = address.partition("&")[0].partition("=")[2]
        page.goto(file.as_uri() + address)
        page.wait_for_selector(f"html[data-shown={view}]", state="attached")
        for summary in page.locator("summary:visible").all():
            summary.click()
        page.wait_for_timeout(150)
        yield address


@pytest.mark.slow
def test_a_phone_need_not_scroll_sideways(open_page, page_file):
    page = open_page("", PHONE)
    for address in every_view(page, page_file):
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(open_page, page_file, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe comes with axe-playwright-python")
    page = open_page(scheme=scheme)
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text())
    found = []
    for address in every_view(page, page_file):
        for fault in page.evaluate(f"axe.run({AXE[scheme]})")["violations"]:
            if fault["impact"] in ("serious", "critical"):
                places = [node["html"][:160] for node in fault["nodes"][:3]]
                found.append(f"{address}: {fault['id']}: {fault['help']}: {places}")
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_dark_is_as_the_system_says_until_the_reader_chooses(open_page):
    page = open_page(CASE, scheme="dark")
    assert brightness(page) < 60
    page.emulate_media(color_scheme="light")
    page.wait_for_selector("html[data-theme=light]", state="attached")
    assert brightness(page) > 240
    page.get_by_role("button", name="Dark").click()
    assert brightness(page) < 60
    page.reload()
    page.wait_for_selector("html[data-shown]", state="attached")
    assert brightness(page) < 60  # the choice stays
    assert page.get_by_role("button", name="Light").count() == 1


def brightness(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


@pytest.mark.slow
def test_no_state_is_told_by_colour_alone(open_page):
    page = open_page()
    signs = page.locator(".legend .sign").all_inner_texts()
    assert len(set(signs)) == len(signs) == 9
    assert all(text.strip() for text in page.locator("#table-of-states .count-of b").all_inner_texts())
    assert page.locator("#list .sign:not([aria-label])").count() == 0


@pytest.mark.slow
def test_a_run_without_records_is_a_page(open_page, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(html.render(run_json(status="running", engines={}, seconds={}), []), encoding="utf-8")
    page = open_page(file=file)
    assert "The run has no records." in page.locator("main").inner_text()
    assert "running" in page.locator("header").inner_text()
    for view in VIEWS:
        page.goto(f"{file.as_uri()}#view={view}")
        page.wait_for_selector(f"html[data-shown='{view}']", state="attached")
    assert page.said == []


@pytest.mark.parametrize(
    ("engines", "changes", "header", "warning"),
    [
        (("torch",), {"status": "interrupted"}, "2 of 34 cases have run,", "it is interrupted."),
        (
            ("torch",),
            {"broken": {"torch": "dies <b>early</b>"}},
            "2 of 34 cases have run,",
            "dies <b>early</b>; the rest",
        ),
        (
            ("torch", "jax"),
            {"broken": {"caffe": "is lost"}},
            "2 of 34 cases have run on at least one engine, 0 on all,",
            "0 of 34 have run.",
        ),
        (("torch", "jax"), {"status": "running"}, "2 of 34 cases have run on at least", "record: torch 2, jax 2."),
    ],
)
def test_a_run_that_is_not_whole_says_so_above_its_numbers(open_page, tmp_path, engines, changes, header, warning):
    made = [record(f"conv1d/some::{name}", engine) for name in "ab" for engine in engines]
    versions = {name: run_json()["engines"][name] for name in engines}
    file = tmp_path / "index.html"
    file.write_text(html.render(run_json(engines=versions, cases=34, **changes), made), encoding="utf-8")
    page = open_page(file=file)
    assert header in " ".join(page.locator("header").inner_text().split())
    told = page.locator("#matrix > .warning")
    assert warning in told.inner_text()
    assert told.bounding_box()["y"] < page.locator(".tiles").bounding_box()["y"]


@pytest.mark.slow
def test_twenty_thousand_records_open(open_page, tmp_path, record_property, capsys):
    verdicts = ("exact", "within", "differs", "unsupported", "refused")
    made = [
        record(f"conv2d/many::case[{number}]", engine, verdict=verdicts[number % 5], input=[1, 8 + number % 9, 6, 3],
               strides=[1 + number % 3] * 2, known="Known. As ever." if number % 5 == 3 else None)
        for number in range(20_000 // 3 + 1) for engine in ("keras", "torch", "jax")
    ][:20_000]  # fmt: skip
    file = tmp_path / "index.html"
    file.write_text(html.render(run_json(), made), encoding="utf-8")
    begin = time.perf_counter()
    page = open_page(viewport=DESKTOP, file=file)
    seconds = time.perf_counter() - begin
    record_property("seconds", round(seconds, 2))
    with capsys.disabled():
        print(f"\n20,000 records: {file.stat().st_size / 1e6:.2f} MB, open and listed in {seconds:.2f} s")
    assert "20,000 outcomes of 6,667 cases" in page.locator("#counted").inner_text()
    page.locator("select[name=verdict]").select_option("differs")
    page.wait_for_function("document.getElementById('listed').textContent.startsWith('1,333 cases')")
    assert page.locator("#list .tabulator-row").count() < 100  # only what is in sight is drawn
