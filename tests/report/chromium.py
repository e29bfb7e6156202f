# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium for tests, spoken to over a pipe with its DevTools protocol.

The few commands that a test of one page needs take no driver and no package: messages are JSON
with a zero byte behind, the program reads them from file descriptor 3 and answers on 4.
"""

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Page:
    """One tab. Everything that it logged, raised or asked the network for is kept.

    Attributes:
        complaints: Console errors and warnings, exceptions, violations of the page's policy.
        requests: Addresses that were asked for.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._number = 0
        self._session: str | None = None
        self._rest = b""
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def start(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")
        self.call("Performance.enable", timeDomain="threadTicks")
        return self

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def show(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window, and whether it is night."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: Path) -> float:
        """Open a file and wait until its charts are drawn; milliseconds from start to then."""
        self.call("Page.navigate", url=path.as_uri())
        script = "document.documentElement?.dataset.drawnAfterMs ?? null"
        for _ in range(2400):
            drawn = self.value(script)
            if drawn is not None:
                return float(drawn)
            time.sleep(0.05)
        raise AssertionError(f"{path.name}: charts not drawn within two minutes; {self.complaints}")

    def value(self, script: str) -> Any:
        """What a JavaScript expression evaluates to; a promise is waited for."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def busy_s(self) -> float:
        """Seconds that the page has kept its processor since it was opened.

        On an idle machine this is how long opening takes; on a busy one, how long it would.
        """
        found = self.call("Performance.getMetrics")["metrics"]
        return next(item["value"] for item in found if item["name"] == "TaskDuration")

    def move_to(self, x: float, y: float) -> None:
        """Put the mouse there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self) -> bytes:
        """The whole page as PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        printed = self.call(
            "Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
        )
        return base64.b64decode(printed["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], 60)
            assert ready, "the browser has not answered for 60 s"
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        event = json.loads(message)
        self._keep(event.get("method"), event.get("params", {}))
        return event

    def _keep(self, method: str | None, params: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.complaints.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(params["entry"]["text"])
            case _:
                pass


@contextmanager
def opened(browser: str, profile: Path) -> Iterator[Page]:
    """A tab of a new browser with an empty profile, which is ended afterwards."""
    to_browser, from_browser = os.pipe(), os.pipe()
    ours = to_browser[1], from_browser[0]
    # Popen keeps the numbers of descriptors; the shell gives them those that Chromium reads, which
    # must be neither of them.
    theirs = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser[0], from_browser[1]))
    os.close(to_browser[0])
    os.close(from_browser[1])
    script = f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, "-", browser, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for descriptor in theirs:
            os.close(descriptor)
        yield Page(*ours).start()
    finally:
        process.terminate()
        process.wait(timeout=20)
        for descriptor in ours:
            os.close(descriptor)


def cut_off(elements: str, *, exempt: str) -> str:
    """JavaScript that lists the elements which end right of the window.

    Args:
        elements: Selector of the elements to examine.
        exempt: Selector of those that scroll by themselves, with all that is in them.
    """
    return f"""
[...document.querySelectorAll("{elements}")].filter((element) =>
  !element.closest("{exempt}") &&
  element.getBoundingClientRect().right > innerWidth + 1
).map((element) => element.outerHTML.slice(0, 80))
"""
