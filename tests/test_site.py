# SPDX-License-Identifier: Apache-2.0
"""The documentation site builds without a warning and asks nobody for anything when it is read."""

import re
import resource
import subprocess
import sys
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from scripts.browser import WITHOUT, find, is_unwanted

from tests.report.chromium import cut_off, opened

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SLOWEST_S = 60
PAGES = ("README", "reference/command-line", "results/sampled-scoring", "models/README")
CUT_OFF = cut_off("article *", exempt=".table-wrapper, pre, .highlight, .headerlink")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; a dead link is a warning, and a warning fails the build."""
    folder = tmp_path_factory.mktemp("site")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, ROOT / "docs", folder / "html"], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SLOWEST_S
    return folder / "html"


@pytest.fixture(scope="module")
def address(site):
    """The site behind a server of this machine."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    browser = find()
    assert browser, "no Chromium: `python scripts/browser.py` gets one, or says why it cannot"
    with opened(browser, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def show(tab, url, *, until="document.readyState === 'complete'"):
    tab.complaints.clear()
    tab.requests.clear()
    tab.call("Page.navigate", url=url)
    for _ in range(2400):
        if tab.value(f"location.href === {url!r} && ({until})"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{url}: not shown within two minutes")


def test_no_page_names_a_resource_of_another_host(site):
    kept = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*//[^>]*>"
    )
    found = {
        path.name: kept.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    assert [name for name, places in found.items() if places] == []
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert not any(re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text) for text in styles)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True)])
def test_pages_are_shown_whole_and_request_only_from_the_site(tab, address, page, width, dark):
    tab.show(width, 900, dark=dark)
    show(tab, f"{address}/{page}.html")
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith((address, "data:"))] == []
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value(CUT_OFF) == []
    background = tab.value("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert (brightness < 200) == dark


def test_the_search_finds_pages(tab, address):
    tab.show(1280, 900)
    found = "#search-results a[href*='logs-and-opinions']"
    show(
        tab,
        f"{address}/search.html?q=opinions",
        until=f"document.querySelector({found!r}) !== null",
    )
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith((address, "data:"))] == []
