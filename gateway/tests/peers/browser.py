"""Opens a page in Chromium and looks at it, through the pipe that its developer tools have. Standard library only.

browser.py URL FOLDER [--size WIDTHxHEIGHT] [--phone] [--pictures N] [--page FILE.png] [--wait STATE] [--hold FILE]
           [--says TEXT] [--then STATE] [--notice TEXT] [--playing N]

Waits until a source is shown, then takes N pictures of it as FOLDER/0.jpg and so on, each after more have been shown. Prints
a JSON object: what the page says of the source, and what Chromium complained about.
"""
import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = 60

FLAGS = [
    "--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
]  # fmt: skip


# What draws: nothing of the machine's own, or WebGL in software.
PLAIN, GL = ["--disable-gpu"], ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


class Browser:
    def __init__(self, profile, size, drawing):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            sys.exit("there is no chromium")
        commands, self.write = os.pipe()
        self.read, answers = os.pipe()

        # Chromium reads from 3 and writes to 4.
        def place():
            ends = [os.dup(commands), os.dup(answers)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, *drawing, f"--user-data-dir={profile}", "--window-size=%d,%d" % size, "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            # What it leaves goes with its profile.
            env={**os.environ, "TMPDIR": profile},
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self.buffer = b""
        self.count = 0
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    session = None

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def next(self):
        while b"\0" not in self.buffer:
            received = os.read(self.read, 1 << 20)
            if not received:
                sys.exit("chromium has ended")
            self.buffer += received
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            # Without a graphics card Chromium draws in software, and says so.
            if "GL" not in params["entry"]["text"]:
                self.complaints.append(params["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(params["args"])[:500])
        return message

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def wait(self, expression, what):
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                sys.exit(f"still not: {what}; the page says {self.evaluate('document.body.innerText')!r}, {self.complaints}")
            time.sleep(0.05)
        return value

    def picture(self, file, **params):
        with open(file, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", **params)["data"]))

    def close(self):
        # Its processes end one after another, and write to the profile until they have.
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(timeout=10)
        except (OSError, RuntimeError, SystemExit, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def look(browser, arguments):
    browser.call("Page.navigate", url=arguments.url)
    tile = "document.querySelector('.tile')"
    if arguments.notice:
        said = f"{tile}?.querySelector('.said').textContent.startsWith({json.dumps(arguments.notice)})"
        browser.wait(said, f"the source says {arguments.notice}")
        return {}
    browser.wait(f"{tile}?.dataset.state === 'playing' && Number({tile}.dataset.frames) > 0", "a source is shown")
    if arguments.playing:
        playing = "document.querySelectorAll('.tile[data-state=playing]').length"
        browser.wait(f"{playing} === {arguments.playing}", f"{arguments.playing} are shown")
        # A canvas that is drawn on otherwise has no such context.
        lost = "[...document.querySelectorAll('canvas')].filter((it) => it.getContext('webgl')?.isContextLost()).length"
        return {"lost": browser.evaluate(lost)}
    if arguments.hold:
        open(arguments.hold, "x").close()
        while os.path.exists(arguments.hold):
            # What the page has to say is read meanwhile.
            browser.evaluate("0")
            time.sleep(0.05)
        if arguments.says:
            says = f"document.getElementById('summary').textContent.startsWith({json.dumps(arguments.says)})"
            browser.wait(says, f"the page says {arguments.says}")
            return {}
        if arguments.then:
            browser.wait(f"{tile}?.dataset.state === '{arguments.then}'", f"it is {arguments.then}")
            return {"notice": browser.evaluate(f"{tile}.querySelector('.said').textContent")}
        browser.wait(f"{tile}?.dataset.state === 'playing'", "it is shown again")
    notice = None
    if arguments.wait:
        other = f"document.querySelector('.tile[data-state={arguments.wait}]')"
        browser.wait(f"{other} !== null", f"a source is {arguments.wait}")
        notice = browser.evaluate(f"{other}.querySelector('.said').textContent")
    place = f"(() => {{ const r = {tile}.querySelector('canvas, img').getBoundingClientRect();"
    place += " return {x: r.x, y: r.y, width: r.width, height: r.height, scale: 1}; })()"
    for number in range(arguments.pictures):
        clip = browser.evaluate(place)
        browser.picture(f"{arguments.folder}/{number}.jpg", format="jpeg", quality=95, clip=clip)
        time.sleep(0.5)
    # The figures are for a whole second.
    time.sleep(1.5)
    if arguments.page:
        time.sleep(0.5)
        browser.picture(arguments.page, format="png")
    # Tiles of which a part lies beside the tile.
    outside = "[...document.querySelectorAll('.tile')].filter((tile) => [...tile.querySelectorAll('button, dl, h2')]"
    outside += ".some((part) => part.getBoundingClientRect().right > tile.getBoundingClientRect().right)).length"
    columns = "getComputedStyle(document.querySelector('main')).gridTemplateColumns.split(' ').length"
    text = lambda name: browser.evaluate(f"{tile}.querySelector('.{name}').textContent")
    return {
        "mode": browser.evaluate(f"{tile}.dataset.mode"),
        "columns": browser.evaluate(columns),
        "outside": browser.evaluate(outside),
        "tiles": browser.evaluate("document.querySelectorAll('.tile').length"),
        "notice": notice,
        "summary": browser.evaluate("document.getElementById('summary').textContent"),
        "fps": text("fps"),
        "delay": text("delay"),
        "viewers": text("viewers"),
        "complaints": browser.complaints,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--phone", action="store_true")
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--page")
    parser.add_argument("--wait", help="also for a source in this state")
    parser.add_argument("--hold", help="once a source is shown, make this file and wait until it is gone")
    parser.add_argument("--playing", type=int, help="only wait until so many sources are shown; with WebGL")
    parser.add_argument("--notice", help="only wait until this is said of the first source")
    parser.add_argument("--then", help="after that, only wait until the first source is in this state")
    parser.add_argument("--says", help="after that, only wait until the page says this")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile, (width, height), GL if arguments.playing else PLAIN)
        try:
            scale = 2 if arguments.phone else 1
            browser.call(
                "Emulation.setDeviceMetricsOverride",
                width=width, height=height, deviceScaleFactor=scale, mobile=arguments.phone,
            )  # fmt: skip
            print(json.dumps(look(browser, arguments)))
        finally:
            browser.close()


main()
