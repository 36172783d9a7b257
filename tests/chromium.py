"""A browser that tests drive as a user does: keys, files, sizes, and all that it asks the network for.

Chromium without a window, by its DevTools protocol on two pipes; WebGL is drawn by the processor.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

#: The program; None where there is none.
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_SWITCHES = (
    "--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--remote-debugging-pipe", "--force-device-scale-factor=1",
)  # fmt: skip
_DRAWING = {
    True: ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    False: ("--disable-gpu", "--disable-3d-apis"),
}
_KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "Tab": 9, "Enter": 13, " ": 32}


class Tab:
    """One page in a browser.

    Attributes:
        asked: addresses of all that it has asked for, the page itself among them.
        errors: messages of the console and of exceptions.
    """

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._number, self._left = 0, b""
        self._session: str | None = None
        self.asked: list[str] = []
        self.errors: list[str] = []

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Self:
        """Opens a page in a window of so many pixels, and waits until it has loaded."""
        if self._session is None:
            target = self("Target.createTarget", url="about:blank")["targetId"]
            self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log", "DOM"):
                self(f"{domain}.enable")
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        look = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self("Emulation.setEmulatedMedia", features=look)
        self("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return self

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is in the page; a promise is waited for."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str, *, seconds: float = 60) -> Any:
        """Waits until an expression is true, and returns it."""
        until = time.monotonic() + seconds
        while not (found := self.value(condition)):
            assert time.monotonic() < until, f"never: {condition}; errors: {self.errors}"
            time.sleep(0.05)
        return found

    def press(self, *keys: str, shift: bool = False) -> None:
        """Presses and releases keys, one after the other, on whatever has the focus."""
        for key in keys:
            code = _KEYS.get(key, ord(key[0].upper()))
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            stroke = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
            self("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **stroke)
            self("Input.dispatchKeyEvent", type="keyUp", **stroke)

    def choose(self, selector: str, *files: Path) -> None:
        """Has an input of files have these, as its dialogue does."""
        root = self("DOM.getDocument")["root"]["nodeId"]
        node = self("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def drag(self, selector: str, *files: Path, drop: bool = True) -> None:
        """Drags these files over the middle of an element, and drops them there."""
        where = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.value(f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({where})")
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", *(["drop"] if drop else [])):
            self("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def picture(self, path: Path, *, whole: bool = True) -> Path:
        """Writes what is seen of the page, or all of it, as PNG."""
        data = self("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))
        return path

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            some = os.read(self._receive, 2**20)
            assert some, "the browser has gone"
            self._left += some
        one, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(one))

    def _note(self, event: str, said: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(said["exceptionDetails"])[:600])
        elif event == "Log.entryAdded" and said["entry"]["level"] in {"error", "warning"}:
            self.errors.append(f"{said['entry']['text']} {said['entry'].get('url', '')}"[:600])
        elif event == "Runtime.consoleAPICalled" and said["type"] in {"error", "warning"}:
            self.errors.append(json.dumps(said["args"])[:600])


@contextmanager
def browser(folder: Path, *, webgl: bool = True) -> Iterator[Tab]:
    """A browser with a profile of its own in `folder`, which ends with the context."""
    (theirs, send), (receive, ours) = os.pipe(), os.pipe()
    command = [str(BROWSER), *_SWITCHES, *_DRAWING[webgl], f"--user-data-dir={folder / 'profile'}", "about:blank"]
    # The protocol is spoken on file descriptors 3 and 4, whatever numbers the pipes have here.
    renumber = f"import os, sys; os.dup2({theirs}, 3); os.dup2({ours}, 4); os.execv(sys.argv[1], sys.argv[1:])"
    begin = [sys.executable, "-S", "-c", renumber, *command]
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(begin, pass_fds=(theirs, ours), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    os.close(theirs)
    os.close(ours)
    tab = Tab(send, receive)
    try:
        yield tab
    finally:
        with suppress(Exception):
            tab._session = None
            tab("Browser.close")
        os.close(send)
        os.close(receive)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
