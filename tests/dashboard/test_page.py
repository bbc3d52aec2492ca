"""The dashboard in a browser: that it draws, that its filters choose, and that it asks nobody for anything."""

from __future__ import annotations

import pytest

pytest.importorskip("vl_convert", reason="the dashboard needs convsuite[bench]")

from convsuite.benchmarks import dashboard

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1200, "height": 900}
COMMITS = ("aaaaaaaa", "bbbbbbbb", "cccccccc")


def value(commit, day, name, what, unit, number, **params):
    series = ", ".join(params.values())
    said = {"machine": "a-machine", "commit": commit, "date": f"2026-11-0{day}", "benchmark": name, "what": what}
    return {**said, "unit": unit, "value": number, "series": series, **params}


@pytest.fixture(scope="module")
def values():
    """Three commits; at the last one winograd-4 loses a fifth."""
    made = []
    for day, commit in enumerate(COMMITS, 1):
        for name, ratio in (("auto", 1.1), ("winograd-4", 0.4 if day < 3 else 0.5)):
            keys = {"implementation": name, "threads": "1"}
            mean, layer = "yardstick.Means.track_ratio", "yardstick.Layers.track_ratio"
            made.append(value(commit, day, mean, "yardstick: mean", "ratio", ratio, kind="dense3x3@01234567", **keys))
            made.append(value(commit, day, layer, "yardstick: ratio", "ratio", ratio, layer="c64@89abcdef", **keys))
        made.append(
            value(commit, day, "yardstick.Machine.track_sgemm", "yardstick: sgemm", "seconds", 0.01, threads="1")
        )
    return made


@pytest.fixture(scope="module")
def page_file(measurement, values, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "dashboard.html"
    file.write_text(dashboard.render([measurement], values), encoding="utf-8")
    return file


@pytest.fixture
def open_page(listened, page_file):
    """Opens the page and waits until it is drawn."""

    def open_it(viewport=DESKTOP, scheme="light"):
        page = listened(page_file.as_uri(), viewport, scheme)
        page.wait_for_selector("html[data-drawn]", state="attached")
        return page

    return open_it


def shown(page, chart):
    """How many rows of the chart are shown, as the page says."""
    return int(page.locator(f"#{chart} .count").inner_text().split()[0])


def table(page, chart):
    """The rows of the chart's table, by heading."""
    if not page.locator(f"#{chart} details").first.evaluate("element => element.open"):
        page.locator(f"#{chart} summary").first.click()
    page.wait_for_selector(f"#{chart} table")
    heads = page.locator(f"#{chart} thead th").all_inner_texts()
    rows = page.locator(f"#{chart} tbody tr")
    return [dict(zip(heads, rows.nth(i).locator("td").all_inner_texts(), strict=True)) for i in range(rows.count())]


def test_it_draws_everything_and_asks_nobody(open_page, page_file):
    page = open_page()
    names = ("history", "tracked", "layers", "bars", "pareto", "crossover", "totals")
    for name in names:
        assert page.locator(f"#{name} svg").count() == 1, name
        assert page.locator(f"#{name} svg .role-mark path").count() > 1, name
    for name in ("history", "layers", "bars"):  # the line at 1, and the rate of sgemm
        assert page.locator(f"#{name} svg .role-mark.mark-rule line").count() == 1, name
    assert page.asked == [page_file.as_uri()]
    assert page.said == []
    assert page_file.stat().st_size < 3_000_000


def test_the_first_table_says_how_fast(open_page):
    row = open_page().locator("main table").first.locator("tr", has_text="winograd-4").locator("td")
    assert row.all_inner_texts() == ["2.5", "2.5", "2.76", "2.76", "3.4"]


def test_a_commit_that_is_slower_shows(open_page):
    rows = [row for row in table(open_page(), "history") if row["implementation"] == "winograd-4"]
    assert [(row["commit"], row["times as fast"]) for row in rows] == list(
        zip(COMMITS, ["2.5", "2.5", "2"], strict=True)
    )


def test_the_map_shows_where_winograd_wins(open_page):
    page = open_page()
    cells = {(row["channels"], row["extent, pixels"]): float(row["times as fast"]) for row in table(page, "crossover")}
    assert len(cells) == 9
    assert cells["64", "7"] < 1 < cells["64", "14"] < cells["64", "56"]
    texts = page.locator("#crossover svg .role-mark text").all_text_contents()
    assert sorted(map(float, texts)) == pytest.approx(sorted(cells.values()), abs=0.01)


@pytest.mark.slow
def test_totals_are_of_whole_models(open_page):
    names = [row["implementation"] for row in table(open_page(), "totals")]
    assert names[0] in ("winograd-4", "fastest NumPy")
    assert "winograd-6" not in names  # it lacks a layer


def test_filters_choose(open_page):
    page = open_page()
    before = shown(page, "layers")
    page.locator("#layers").get_by_role("checkbox", name="winograd-2").uncheck()
    assert shown(page, "layers") == before - 3
    assert page.locator("#layers svg [aria-label*='implementation: winograd-2;']").count() == 0
    assert page.locator("#layers svg [aria-label*='implementation: winograd-4;']").count() == 3


@pytest.mark.slow
def test_a_filter_offers_what_those_before_it_leave(open_page):
    page = open_page()
    page.locator("#bars").get_by_role("combobox", name="network").select_option("vgg16")
    options = page.locator("#bars select[name=layer] option").all_inner_texts()
    assert options == ["vgg16::c3-e224", "vgg16::c64-e224", "vgg16::c512-e14"]
    assert {row["layer"] for row in table(page, "bars")} == {"vgg16::c3-e224"}


@pytest.mark.slow
def test_nothing_chosen_is_said(open_page):
    page = open_page()
    boxes = page.locator("#layers fieldset input:checked")
    while boxes.count():
        boxes.first.uncheck()
    assert "Nothing is chosen" in page.locator("#layers .chart").inner_text()
    page.locator("#layers").get_by_role("checkbox", name="auto").check()
    assert page.locator("#layers svg").count() == 1


@pytest.mark.slow
def test_the_keyboard_is_enough(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#bars select[name=layer]").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.name") == "layer"  # the focus stays
    assert {row["layer"] for row in table(page, "bars")} == {"yardstick::c128-e112"}
    page.locator("#pareto summary").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#pareto table")


@pytest.mark.slow
def test_a_phone_need_not_scroll_sideways(open_page):
    page = open_page(PHONE)
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for name in ("history", "layers", "bars", "pareto", "crossover", "totals"):
        assert page.locator(f"#{name} svg").bounding_box()["width"] <= PHONE["width"], name


@pytest.mark.slow
def test_dark_is_dark_and_follows_the_system(open_page):
    page = open_page(scheme="dark")
    assert brightness(page, "getComputedStyle(document.body).backgroundColor") < 60
    label = "document.querySelector('#bars svg .role-axis-label text').getAttribute('fill')"
    assert brightness(page, label) > 180
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{label} === getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    assert brightness(page, label) < 60
    assert brightness(page, "getComputedStyle(document.body).backgroundColor") > 240


def brightness(page, expression):
    """The mean of red, green and blue, 0 to 255, of a colour that the browser knows."""
    probe = "colour => { const p = document.createElement('i'); p.style.color = colour; document.body.append(p);"
    probe += " const c = getComputedStyle(p).color; p.remove(); return c; }"
    red, green, blue = (int(part) for part in page.evaluate(probe, page.evaluate(expression))[4:-1].split(",")[:3])
    return (red + green + blue) / 3


@pytest.mark.slow
def test_controls_and_tables_have_names(open_page):
    page = open_page()
    unnamed = "[...document.querySelectorAll('select, input, form:not(.vega-bindings), [role=region], nav')]"
    unnamed += ".filter(e => !(e.ariaLabel || e.labels?.length || e.getAttribute('aria-labelledby')))"
    assert page.evaluate(f"{unnamed}.map(e => e.outerHTML)") == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
