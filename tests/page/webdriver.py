"""A browser that a test drives: W3C WebDriver over HTTP, and no more of it than
tests/page needs. Python's standard library is all that it takes."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

# Keys of the protocol, https://www.w3.org/TR/webdriver/#keyboard-actions.
KEYS = {
    'Enter': '\ue007', 'Tab': '\ue004', 'Escape': '\ue00c', 'Space': ' ',
    'Down': '\ue015', 'Up': '\ue013', 'Left': '\ue012', 'Right': '\ue014',
    'Home': '\ue011', 'End': '\ue010', 'Shift': '\ue008', 'Control': '\ue009',
    'Backspace': '\ue003',
}

# The name of an element in the protocol's JSON.
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

# Longest wait for what a page is expected to show. It ends at once where the
# page shows it.
PATIENCE_S = 60


def find_programs():
    """The paths of Chromium and its driver, or None for what is missing."""
    browser = next((path for path in ('/usr/bin/chromium', '/usr/lib/chromium/chromium')
                    if os.path.exists(path)), None)
    driver = shutil.which('chromedriver') or next(
        (path for path in ('/usr/bin/chromedriver', '/usr/lib/chromium/chromedriver')
         if os.path.exists(path)), None)
    return browser, driver


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


class Failure(Exception):
    """What the driver says went wrong."""


class Browser:
    """A headless Chromium with a profile of its own."""

    def __init__(self, browser, driver):
        self.folder = tempfile.mkdtemp(prefix='tokenjoule-page-')
        self.downloads = os.path.join(self.folder, 'downloads')
        os.mkdir(self.downloads)
        self.port = free_port()
        environment = dict(os.environ, HOME=self.folder, TMPDIR=self.folder)
        self.process = subprocess.Popen(
            [driver, f'--port={self.port}'], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=environment)
        self.session = ''
        try:
            self._wait_for_driver()
            self._start(browser)
        except Exception:
            self.quit()
            raise

    def _wait_for_driver(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._call('GET', '/status')
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _start(self, browser):
        # --no-sandbox: tests run as root in containers, which have no user
        # namespaces. The pages are this project's own.
        arguments = [
            '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
            '--disable-background-networking', '--disable-component-update',
            '--disable-dev-shm-usage', '--window-size=1440,900',
            f'--user-data-dir={os.path.join(self.folder, "profile")}',
        ]
        answer = self._call('POST', '/session', {'capabilities': {'alwaysMatch': {
            'goog:chromeOptions': {'args': arguments, 'binary': browser},
            'goog:loggingPrefs': {'browser': 'ALL', 'performance': 'ALL'},
            'unhandledPromptBehavior': 'ignore',
        }}})
        self.session = '/session/' + answer['sessionId']
        self.devtools('Browser.setDownloadBehavior', {
            'behavior': 'allow', 'downloadPath': self.downloads})

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}{path}', method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)['value']
        except urllib.error.HTTPError as error:
            value = json.load(error)['value']
            raise Failure(f'{value["error"]}: {value["message"][:800]}') from None

    def call(self, method, path, body=None):
        return self._call(method, self.session + path, body)

    def quit(self):
        if self.session:
            try:
                self.call('DELETE', '')
            except (Failure, OSError):
                pass
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Pages

    def open(self, url):
        # A page of the same address would only jump within itself.
        self.call('POST', '/url', {'url': 'about:blank'})
        self.call('POST', '/url', {'url': url})

    def back(self):
        self.call('POST', '/back', {})

    def forward(self):
        self.call('POST', '/forward', {})

    def reload(self):
        self.call('POST', '/refresh', {})

    def run(self, script, *arguments):
        """The value that JavaScript returns."""
        return self.call('POST', '/execute/sync', {'script': script, 'args': list(arguments)})

    def devtools(self, command, parameters):
        return self.call('POST', '/goog/cdp/execute', {'cmd': command, 'params': parameters})

    def log(self, kind):
        return self.call('POST', '/se/log', {'type': kind})

    # Elements

    def find(self, selector):
        return self.call('POST', '/element', {'using': 'css selector', 'value': selector})[ELEMENT]

    def text(self, selector):
        """The text that is seen; empty if the element is not there."""
        return self.run('const n = document.querySelector(arguments[0]);'
                        'return n ? n.innerText.replace(/[\\u00a0\\u202f]/g, " ") : "";', selector)

    def click(self, selector):
        """Clicks an element, once it is there."""
        wait(selector, lambda: self.run(
            'return document.querySelector(arguments[0]) !== null', selector))
        element = self.find(selector)
        self.run('arguments[0].scrollIntoView({block: "center"})', {ELEMENT: element})
        self.call('POST', f'/element/{element}/click', {})

    def send(self, selector, text):
        """Types into an element, which a file input takes as a path."""
        self.call('POST', f'/element/{self.find(selector)}/value', {'text': text})

    def fill(self, selector, text):
        """Types over what an input holds, and leaves it."""
        self.run('const n = document.querySelector(arguments[0]);'
                 'n.scrollIntoView({block: "center"}); n.focus(); n.select()', selector)
        self.press(*text, 'Tab')

    def press(self, *keys):
        """Presses keys one after the other, each a name of KEYS or a character;
        'Shift+Tab' holds the first."""
        actions = []
        for key in keys:
            parts = key.split('+') if '+' in key and len(key) > 1 else [key]
            codes = [KEYS.get(part, part) for part in parts]
            actions += [{'type': 'keyDown', 'value': code} for code in codes]
            actions += [{'type': 'keyUp', 'value': code} for code in reversed(codes)]
        self.call('POST', '/actions', {'actions': [
            {'type': 'key', 'id': 'keyboard', 'actions': actions}]})

    def drag(self, start, end, steps=8):
        """Drags the pointer between two points of the window."""
        moves = [{'type': 'pointerMove', 'x': round(start[0]), 'y': round(start[1]), 'duration': 0},
                 {'type': 'pointerDown', 'button': 0}]
        for i in range(1, steps + 1):
            moves.append({'type': 'pointerMove', 'duration': 20,
                          'x': round(start[0] + (end[0] - start[0]) * i / steps),
                          'y': round(start[1] + (end[1] - start[1]) * i / steps)})
        moves.append({'type': 'pointerUp', 'button': 0})
        self.call('POST', '/actions', {'actions': [
            {'type': 'pointer', 'id': 'mouse', 'parameters': {'pointerType': 'mouse'},
             'actions': moves}]})

    def box(self, selector):
        """Left, top, width, height in the window, after scrolling there."""
        return self.run('const n = document.querySelector(arguments[0]);'
                        'n.scrollIntoView({block: "center"});'
                        'const b = n.getBoundingClientRect();'
                        'return [b.left, b.top, b.width, b.height];', selector)

    # The window

    def resize(self, width, height):
        self.devtools('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': width < 600})

    def prefer(self, **features):
        """Media features, e.g. prefers_color_scheme='dark'."""
        self.devtools('Emulation.setEmulatedMedia', {'features': [
            {'name': name.replace('_', '-'), 'value': value} for name, value in features.items()]})

    def screenshot(self, path):
        """A picture of the whole page."""
        width, height = self.run('const e = document.documentElement;'
                                 'return [e.scrollWidth, e.scrollHeight];')
        picture = self.devtools('Page.captureScreenshot', {
            'format': 'png', 'captureBeyondViewport': True,
            'clip': {'x': 0, 'y': 0, 'width': width, 'height': height, 'scale': 1}})
        with open(path, 'wb') as file:
            file.write(base64.b64decode(picture['data']))

    def downloaded(self):
        """The content of the file that is being downloaded, once it is there, and
        its name; the file is removed."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            names = [name for name in os.listdir(self.downloads)
                     if not name.endswith('.crdownload') and not name.startswith('.')]
            if names:
                path = os.path.join(self.downloads, names[0])
                with open(path, 'rb') as file:
                    content = file.read()
                os.remove(path)
                return names[0], content
            time.sleep(0.05)
        raise AssertionError('nothing was downloaded')


def wait(what, condition):
    """Waits until `condition()` is true and returns it; `what` says what for."""
    end = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'waited {PATIENCE_S} s in vain for {what}')
        time.sleep(0.03)
