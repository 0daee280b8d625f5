"""The report in a real browser: sounds, votes, tables, keys, and what assistive tools need."""

import json

import pytest
from browser import SPY, launched
from click.testing import CliRunner
from once import once
from small_report import CLIPS, make

from dap.cli import main
from dap.reporting.preferences import read_votes, tally

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
VERSIONS = ["clean", "observed", "wiener", "wavelet", "spectral-gate"]
SIZES = {"wide": (1200, 900), "narrow": (400, 800)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return once(tmp_path_factory, "report", make)


@pytest.fixture(scope="module")
def browser():
    with launched() as chromium:
        yield chromium


@pytest.fixture
def open_page(browser, folder):
    """A function that opens the report; what that says on the console, or asks for, is an error."""
    contexts, said = [], []

    def opened(size="wide", scheme="light", **options):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(SPY)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        url = (folder / "report.html").as_uri()
        page.on("request", lambda request: request.url == url or _allowed(request.url, said))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def _allowed(url, said):
    """Only what is part of the page: never the network, nor another file."""
    if not url.startswith(("data:", "blob:")):
        said.append(url)


def panel(page, name="denoise"):
    found = page.locator(f'.panel[data-experiment="{name}"]')
    found.scroll_into_view_if_needed()
    page.wait_for_function("name => document.querySelector(name).dataset.ready",
                           arg=f'.panel[data-experiment="{name}"]')  # fmt: skip
    return found


def position(part):
    return float(part.locator(".seek input").get_attribute("aria-valuetext").split(" of ")[0])


def loud(page):
    """Which of the versions that play is heard, by the gains."""
    values = page.evaluate("window.gains.map(gain => gain.gain.value)")
    return [index for index, value in enumerate(values) if value > 0.5]


def test_it_plays_and_switches_without_losing_the_position(open_page):
    page = open_page()
    part = panel(page).locator(".open")
    assert part.locator(".version .name").all_inner_texts() == VERSIONS
    # in one go, since the sound is short and this machine may be slow
    before, after, started, later = part.evaluate(
        """async part => {
            const input = part.querySelector(".seek input");
            const until = async passes => {
                while (!passes()) await new Promise(requestAnimationFrame);
            };
            part.querySelector(".play").click();
            await until(() => Number(input.value) > 0.03);
            const radio = part.querySelectorAll(".versions input")[3];
            const before = Number(input.value);
            radio.click();
            const after = Number(input.value);
            const started = window.started;
            await until(() => Number(input.value) < before); // once around
            await until(() => window.gains[3].gain.value > 0.9);
            return [before, after, started, Number(input.value)];
        }"""
    )
    assert 0.03 < before <= after < before + 0.1
    assert 0 <= later <= 0.256
    # all were begun once, together: none anew at the switch
    assert started == page.evaluate("window.started") == len(VERSIONS)
    assert page.evaluate("window.contexts.map(context => context.state)") == ["running"]
    assert loud(page) == [VERSIONS.index("wavelet")]
    part.get_by_role("button", name="Pause").click()
    at = position(part)
    part.get_by_role("radio", name="clean").check()
    assert position(part) == at
    part.locator(".loop input").uncheck()
    part.get_by_role("button", name="Play").click()
    part.get_by_role("button", name="Play").wait_for()  # it ends, and is at the beginning
    assert position(part) == 0


def test_keys_play_choose_and_move(open_page):
    page = open_page()
    part = panel(page).locator(".open")
    part.get_by_role("radio", name="clean").focus()
    page.keyboard.press("ArrowRight")
    assert part.get_by_role("radio", name="observed").is_checked()
    page.keyboard.press("5")
    assert part.get_by_role("radio", name="spectral-gate").is_checked()
    assert part.locator(".version.selected .name").inner_text() == "spectral-gate"
    page.keyboard.press("9")  # there is none
    assert part.get_by_role("radio", name="spectral-gate").is_checked()
    page.keyboard.press("Space")
    part.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    part.get_by_role("button", name="Play").wait_for()
    slider = part.get_by_role("slider", name="Position")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("End")
    assert position(part) == pytest.approx(0.256, abs=0.01)


def test_spectrograms_show_the_sound_and_the_cursor_moves(open_page):
    page = open_page()
    part = panel(page).locator(".open")
    means = part.locator("canvas").evaluate_all(
        """all => all.map(canvas => {
            const {width, height} = canvas;
            const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
            const means = half => {
              let sum = 0;
              for (let i = 0; i < data.length / 2; i += 4) sum += data[i + half * data.length / 2];
              return sum / (data.length / 8);
            };
            return [means(0), means(1)];
        })"""
    )
    clean, observed = means[:2]
    assert clean[1] > clean[0] + 20  # a voice is below 4 kHz
    assert observed[0] > clean[0] + 50  # noise is everywhere
    picture = part.locator(".spectrogram").nth(2)
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] / 2, "y": 10})
    assert position(part) == pytest.approx(0.128, abs=0.006)
    assert part.get_by_role("radio", name="wiener").is_checked()
    cursor = picture.locator(".cursor").bounding_box()
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=3)


def test_another_clip_and_another_panel(open_page):
    page = open_page()
    part = panel(page).locator(".open")
    assert part.locator("option").all_inner_texts() == [f"speech: speech-{k}" for k in range(4)]
    part.get_by_role("button", name="Play").click()
    other = panel(page, "separate").locator(".open")
    other.get_by_role("button", name="Play").click()
    part.get_by_role("button", name="Play").wait_for()  # one is heard at a time
    assert other.locator(".version .name").all_inner_texts() == ["clean", "observed", "nmf"]
    titles = [
        f"piano + drums: piano-{k}+drums-{k}, {of}" for k in (0, 1) for of in ("piano", "drums")
    ]
    assert other.locator("option").all_inner_texts() == titles
    other.get_by_label("Clip").select_option(titles[3])
    page.wait_for_function("title => document.querySelector('.panel[data-experiment=separate]')"
                           ".dataset.ready === title", arg=titles[3])  # fmt: skip


def vote(part, side):
    trial = part.locator(".trial")
    trial.get_by_role("button", name="Play").click()
    button = trial.get_by_role("button", name=f"Prefer {side}")
    assert button.is_disabled()  # only one of the two was heard
    trial.get_by_role("radio", name="B").check()
    button.click()


def test_blind_votes_are_stored_tallied_and_exported(open_page, tmp_path):
    page = open_page(accept_downloads=True)
    part = panel(page)
    toggle = part.get_by_role("button", name="Blind A/B")
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "true"
    trial = part.locator(".trial")
    trial.locator(".version").first.wait_for()
    assert trial.locator(".version .name").all_inner_texts() == ["A", "B"]
    shown = part.inner_text()
    assert not any(name in shown for name in VERSIONS)  # no name, and no picture, tells
    assert part.locator("canvas:visible").count() == 0
    trial.get_by_text("Methods that are compared").click()
    for name in ("observed", "spectral-gate"):
        trial.get_by_label(name).uncheck()
    trial.get_by_text("Methods that are compared").click()
    for count, side in enumerate("AAB", start=1):
        vote(part, side)
        trial.get_by_text(f"Vote {count} is stored.").wait_for()
    trial.get_by_role("button", name="Skip").click()
    assert page.locator("#votes .count").inner_text() == "3 votes in this browser."
    with page.expect_download() as download:
        page.get_by_role("button", name="Export votes (JSON)").click()
    path = tmp_path / "votes.json"
    download.value.save_as(path)
    study, votes = read_votes([path])
    assert study == "tiny"
    assert [each["preferred"] for each in votes] == ["a", "a", "b"]
    assert {frozenset((each["a"], each["b"])) for each in votes} == {
        frozenset(["wiener", "wavelet"])
    }
    assert len({each["clip"] for each in votes}) == 3  # what was voted on least comes first
    # the page and the command say the same
    part.get_by_text("Tally of blind votes").click()
    rows = [row.split("\t") for row in part.locator(".tally tbody tr").all_inner_texts()]
    expected = tally(votes)
    expected = expected[expected["against"] == "any"]
    assert rows == [
        [row.method, "3", f"{row.preferred}",
         f"{100 * row.share:.0f} % [{100 * row.low:.0f}, {100 * row.high:.0f}]"]
        for row in expected.itertuples()
    ]  # fmt: skip
    done = CliRunner().invoke(main, ["preferences", str(path)])
    assert "| wavelet | 1 | 3 |" in done.output
    # they are there when the page is opened again, until they are forgotten
    page.reload()
    assert page.locator("#votes .count").inner_text() == "3 votes in this browser."
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget votes").click()
    assert page.locator("#votes .count").inner_text() == "0 votes in this browser."
    assert json.loads(path.read_text())["votes"][0]["experiment"] == "denoise"


def test_votes_are_kept_for_the_page_where_nothing_is_stored(open_page):
    page = open_page()
    page.add_init_script("Storage.prototype.setItem = () => { throw new Error('no room'); };")
    page.reload()
    part = panel(page)
    part.get_by_role("button", name="Blind A/B").click()
    part.locator(".trial .version").first.wait_for()
    vote(part, "A")
    part.get_by_text("Vote 1 is kept until the page closes.").wait_for()
    assert "It stores nothing of this page" in page.locator("#votes .count").inner_text()


def test_a_table_is_sorted_and_as_it_was_again(open_page):
    page = open_page()
    table = page.get_by_role("table").first
    methods = table.locator("tbody th")
    assert methods.all_inner_texts() == VERSIONS[1:]
    heading = table.get_by_role("columnheader", name="SNR")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [float(text.split(" ")[0]) for text in table.locator("tbody td").all_inner_texts()]
    assert values == sorted(values)
    assert len(values) == len(VERSIONS) - 1
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    values = [float(text.split(" ")[0]) for text in table.locator("tbody td").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert methods.all_inner_texts() == VERSIONS[1:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_accessible_and_fits(open_page, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(size, scheme, bypass_csp=True)  # axe runs as a script of the page
    for name in ("denoise", "separate"):
        panel(page, name)
    for closed in page.locator("summary:visible").all():
        closed.click()
    for blind in (False, True):
        if blind:
            page.get_by_role("button", name="Blind A/B").first.click()
            page.locator(".trial .version").first.wait_for()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(20, 24, 28)") == (scheme == "dark")


def test_without_scripts_every_sound_has_a_player(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("audio:visible").count() == 4 * len(VERSIONS) + 2 * 2 * 3
    assert page.locator("button:visible").count() == 0
    assert CLIPS == 6  # of which four are there
