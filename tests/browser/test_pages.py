"""The pages in a real browser: signed in by hand, at the width of a desk and of a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.process.processes import KEY, call, running

pytestmark = pytest.mark.process

WIDTHS = [1280, 400]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where it is not installed the tests fail, and say what to install."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A bridge that looked at its Tecton and found drift; its URL, and the first admin's password."""
    directory = tmp_path_factory.mktemp("bridge")
    (directory / "policy.yaml").write_text("version: 1\nservice_accounts: [{name: scoring}]\n")
    environment = {
        "BRIDGE_DATABASE_URL": f"sqlite:///{directory}/bridge.db",
        "BRIDGE_POLICY": str(directory / "policy.yaml"),
        "TECTON_API_KEY": KEY,
    }
    with running("sandbox", "--admin-key", KEY, "--port", "0") as tecton:
        environment["TECTON_URL"] = tecton.url
        with running("serve", "--port", "0", **environment) as serve:
            assert call("drift", "--json", **environment).returncode == 0
            (password,) = re.findall(r"password (\S+)", "\n".join(serve.lines))
            yield serve.url, password


@pytest.fixture(params=WIDTHS)
def page(browser: Browser, bridge: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page signed in by hand. What the browser complains of, or asks of anybody else, fails the test."""
    url, password = bridge
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    # A request that leaving the page cut off is no failure.
    page.on("requestfailed", lambda of: None if of.failure == "net::ERR_ABORTED" else complaints.append(of.url))
    page.on("request", lambda asked: None if asked.url.startswith(url) else complaints.append(asked.url))
    page.goto(url)
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(f"{url}/")
    yield page
    assert complaints == []
    context.close()


def assert_no_sideways_scrolling(page: Page) -> None:
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], width


def test_the_first_thing_one_reads_is_whether_tecton_is_in_sync_and_since_when(page: Page) -> None:
    expect(page.locator("h1")).to_contain_text("Not in sync")
    expect(page.get_by_text("Last verified")).to_be_visible()
    expect(page.get_by_text("scoring should exist")).to_be_attached()
    assert_no_sideways_scrolling(page)


def test_an_installation_that_only_observes_says_so(page: Page) -> None:
    expect(page.get_by_text("observe").first).to_be_visible()


def test_a_run_can_be_looked_into(page: Page) -> None:
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="Drift").last.click()
    expect(page.locator("h1")).to_be_visible()
    assert_no_sideways_scrolling(page)


def test_signing_out_closes_every_page(page: Page) -> None:
    address = page.url
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    expect(page.get_by_label("Password")).to_be_visible()
