#!/usr/bin/env python3
"""Every chart of the page over answers of many kinds, in a headless Chromium:
dense models, experts, networks of layers, SRAM, analog arrays, pipelines,
offloading, models that do not fit, hostile names and answers with nothing in
them. charts_check.js draws them at several widths and notes what a reader would
trip over; this test fails on every note, and holds names and colours of terms to
the engine's.

  ./tools/bazel test -c opt //tests/page:charts_test

Skipped, and says so, where Chromium is not installed (Debian: apt-get install
chromium). With --keep=FILE the page that is drawn stays there, to be opened in a
browser.

usage: charts_test.py TOKENJOULE PAGE_FOLDER D3.JS D3_SANKEY.JS TERMS_H CAPTIONS_CC
    [--keep=FILE] [unittest arguments]
"""

import concurrent.futures
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import webdriver  # noqa: E402


# Setups by name. Each shows something that another does not.
SETUPS = {
    'dense': '--model=llama-3.1-8b --hardware=h100-sxm --batch=8 --context=8192',
    'experts': '--model=deepseek-v3 --hardware=b200 --tp=8 --batch=64 --boundary=facility',
    'sram': '--model=llama-3.1-8b --hardware=cerebras-wse-3',
    'in-memory': '--model=llama-3.1-8b --hardware=d-matrix-corsair --weights=int4-g128',
    'analog': '--model=llama-3.1-8b --hardware=aimc-hbm3e --boundary=node',
    'resident': '--model=llama-3.1-8b --hardware=aimc-resident',
    'network': '--model=mobilenet-v1-0.25-vww --hardware=stm32l4r5',
    'pipeline': '--model=llama-3.1-70b --pipeline=rtx-4090,rtx-3090 --weights=int4-g128',
    'offload': '--model=qwen3-235b-a22b --hardware=rtx-4090 --offload=experts --weights=int4-g128',
    'too-large': '--model=llama-3.1-405b --hardware=rtx-4090',
    'state': '--model=mamba2-2.7b --hardware=a100-sxm-80gb --batch=16 --boundary=chip',
    'mixed': '--model=llama-3.1-70b --hardware=h100-sxm --tp=4 --batch=32 --prompt=1000 '
             '--output=300',
    'unit': '--model=llama-2-7b --hardware=unit --boundary=stack',
    'laptop': '--model=qwen3-8b --hardware=apple-m4-max --weights=int4-g128 --boundary=memory_path',
    'large': '--model=kimi-k2 --hardware=h200 --tp=16 --batch=128 --context=32768',
}

# Questions beside analyze: sub-command and setup or flags.
QUESTIONS = [
    *[('ceiling', SETUPS[name]) for name in ('dense', 'experts', 'sram', 'analog')],
    *[('sensitivity', SETUPS[name])
      for name in ('dense', 'experts', 'sram', 'network', 'pipeline')],
    *[('tricks', SETUPS[name]) for name in ('dense', 'experts', 'sram', 'pipeline', 'analog')],
    ('batch', '--model=llama-3.1-8b --hardware=h100-sxm --context=8192'),
    ('batch', '--model=llama-3.1-8b --hardware=h100-sxm --batch=1'),
    ('batch', '--model=llama-3.1-8b,qwen3-8b,gemma-3-12b --hardware=h100-sxm,b200,mi300x'),
    ('batch', '--model=llama-3.1-8b --hardware=h100-sxm --batch=1,8,64 --context=1024:131072:x2'),
    ('batch', '--model=llama-3.1-8b --hardware=cerebras-wse-3'),
    ('batch', '--model=mobilenet-v1-0.25-vww --hardware=stm32l4r5'),
    ('batch', '--model=deepseek-v3 --hardware=b200 --tp=8 --max-time-per-token-ms=30'),
    ('batch', '--model=llama-3.1-405b --hardware=rtx-4090'),
    ('compare', '--model=llama-3.1-8b --hardware=h100-sxm --batch=64 --to.hardware=b200 '
                '--to.kv=fp8'),
    ('compare', '--model=llama-3.1-8b --hardware=h100-sxm --to.batch=1'),
    ('compare', '--model=llama-3.1-8b --hardware=h100-sxm --to.batch=32 --boundary=facility'),
    ('compare', '--model=llama-3.1-8b --hardware=cerebras-wse-3 --to.hardware=h100-sxm'),
    ('plan', '--model=llama-3.1-70b --prompt=1000 --output=300 --requests-per-s=10'),
    ('plan', '--model=llama-3.1-8b --prompt=1000 --output=300 --requests-per-s=3 --objective=money '
             '--price-per-kwh=0.2 --chip-hour-price=2'),
    ('sweep', '--space=hbm-accelerator --dominated=200'),
    ('sweep', '--space=stacked-dram'),
]

HOSTILE = ('<script>document.title="taken"</script><img src=x onerror=alert(2)> &amp; "\'\u0007'
           + 'very-long-name' * 12)

TOOL = PAGE = D3 = SANKEY = TERMS = PAPER = KEEP = ''


def scripts():
    """Paths of the charts' scripts, in the order in which the page loads them."""
    names = re.findall(r'<script src="(charts/\w+\.js)">', read(os.path.join(PAGE, 'index.html')))
    return [os.path.join(PAGE, name) for name in names]


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def ask(question):
    subcommand, flags = question
    done = subprocess.run([TOOL, subcommand, *flags.split(), '--format=json'], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise AssertionError(f'{subcommand} {flags}: {done.stderr}')
    return json.loads(done.stdout)


def hostile(report):
    """An answer whose names try to be HTML, are long, and repeat."""
    report = json.loads(json.dumps(report))
    report['model'] = report['hardware'] = HOSTILE
    for operator in report['operators'][:3]:
        operator['name'] = HOSTILE + operator['name']
    report['parts'][0]['part'] = HOSTILE
    report['energy_causes'][0]['cause'] = HOSTILE
    report['energy_terms'][0]['term'] = HOSTILE
    return report


def recorded():
    """All answers, as charts_check.js takes them."""
    questions = [('analyze', flags) for flags in SETUPS.values()] + QUESTIONS
    whole = ('analyze', SETUPS['dense'] + ' --boundary=facility')
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, questions + [whole]))
    facility = answers.pop()
    entries = []
    names = list(SETUPS) + [f'{subcommand} {flags}' for subcommand, flags in QUESTIONS]
    for name, (subcommand, _), answer in zip(names, questions, answers):
        entries.append({'name': name, 'kind': subcommand, 'data': answer})
    entries[0]['whole'] = facility
    rows = [entry['data'] for entry in entries if entry['kind'] == 'analyze']
    machines = 'h100-sxm,b200,mi300x,rtx-4090,aimc-resident'
    entries.append({'name': 'machines', 'kind': 'machines', 'data': ask(
        ('analyze', '--model=llama-3.1-70b --hardware=' + machines))})
    entries.append({'name': 'side by side', 'kind': 'machines', 'data': {
        'rows': rows[:7], 'left_out': [{'hardware': HOSTILE, 'reason': 'it has no rate'}]}})
    entries.append({'name': 'one machine', 'kind': 'machines', 'data': {'rows': rows[:1]}})
    entries.append({'name': 'hostile', 'kind': 'analyze', 'data': hostile(rows[0])})
    return entries


def page_of(entries):
    """The page that draws them all and says what is wrong."""
    parts = ['<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>charts</title>',
             '<style>',
             read(os.path.join(PAGE, 'charts', 'charts.css')),
             'body{margin:0;font-family:"DejaVu Sans",sans-serif}</style></head><body>',
             '<div id="host"></div><pre id="result"></pre>',
             '<script type="application/json" id="answers">',
             json.dumps(entries).replace('</', '<\\/'), '</script>']
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [D3, SANKEY, *scripts(),
             os.path.join(here, 'charts_check.js')]
    for path in paths:
        parts += ['<script>', read(path).replace('</script', '<\\/script'), '</script>']
    return ''.join(parts + ['</body></html>'])


def dumped(browser, page):
    """The document that Chromium has made of a page once it has run."""
    with tempfile.TemporaryDirectory(prefix='tokenjoule-charts-') as folder:
        path = os.path.join(folder, 'charts.html')
        with open(path, 'w', encoding='utf-8') as out:
            out.write(page)
        if KEEP:
            shutil.copy(path, KEEP)
        done = subprocess.run(
            [browser, '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
             '--disable-background-networking', f'--user-data-dir={folder}/profile',
             '--window-size=1700,1000', '--virtual-time-budget=600000', '--dump-dom',
             'file://' + path],
            capture_output=True, text=True, timeout=600,
            env=dict(os.environ, HOME=folder, TMPDIR=folder))
        return done.stdout, done.stderr


class ChartsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        browser, _ = webdriver.find_programs()
        if browser is None:
            raise unittest.SkipTest('Chromium is not installed')
        document, errors = dumped(browser, page_of(recorded()))
        found = re.search(r'<pre id="result">(.*?)</pre>', document, re.S)
        if not found or not found.group(1):
            raise AssertionError('the charts gave no result\n' + document[-500:] + errors[-2000:])
        cls.result = json.loads(html.unescape(found.group(1)))

    def test_charts_have_no_faults(self):
        faults = self.result['faults']
        self.assertEqual(faults, [], f'{len(faults)} faults, the first:\n' + '\n'.join(faults[:20]))

    def test_every_chart_was_drawn(self):
        self.assertGreater(self.result['drawn'], 1500)
        source = ''.join(map(read, scripts()))
        self.assertEqual(sorted(self.result['charts']),
                         sorted(set(re.findall(r"kit\.chart\('(\w+)'", source))))

    def test_marks_offer_only_what_explain_knows(self):
        """A figure that a mark names is a term, a figure or a constant of `explain`."""
        figures = self.result['figures']
        self.assertIn('DRAM_COLUMN', figures)
        self.assertIn('energy_per_token_j', figures)
        for figure in figures:
            if figure.startswith('hardware.'):
                continue
            done = subprocess.run([TOOL, 'explain', '--hardware=h100-sxm', figure],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f'{figure}: {done.stderr}')

    def test_terms_are_those_of_the_engine(self):
        """Names, labels and boundaries of terms.js against terms.h."""
        table = read(TERMS).split('kEnergyTerms = {{')[1].split('}};')[0]
        engine = re.findall(r'\{"([A-Z_]+)",\s*"([^"]+)",\s*k(\w+)Boundary', table)
        own = re.findall(r"\['([A-Z_]+)', '([^']+)', '[^']+', '(\w+)'\]",
                         read(os.path.join(PAGE, 'charts', 'terms.js')))
        snake = lambda name: re.sub(r'(?<!^)([A-Z])', r'_\1', name).lower()
        self.assertEqual(own, [(name, label, snake(boundary)) for name, label, boundary in engine])
        self.assertEqual(len(own), 16)

    def test_no_two_terms_or_series_share_a_colour(self):
        for name, theme in themes().items():
            for kind in (r'series-\d', r'(?!series|ink|muted|grid|surface|focus)[a-z-]+'):
                colors = [color for key, color in theme.items() if re.fullmatch(kind, key)]
                self.assertGreater(len(colors), 6)
                self.assertEqual(len(colors), len(set(colors)), name)

    def test_terms_have_the_colours_of_charts_on_paper(self):
        """charts.css against TermColor of analyzer/report."""
        switch = read(PAPER).split('TermColor(Term::Value term)')[1].split('\n}')[0]
        paper = dict(re.findall(r'case Term::(\w+):\s*return "(#[0-9a-f]{6})"', switch))
        self.assertEqual(len(paper), 16)
        own = themes()['light']
        self.assertEqual({name: own[name.lower().replace('_', '-')] for name in paper}, paper)

    def test_colours_can_be_seen(self):
        """Text at 4.5 to 1, marks at 1.5 to 1 against the surface (WCAG 2.2 asks 4.5
        of text; marks also have labels and an outline)."""
        for name, theme in themes().items():
            for key, color in theme.items():
                least = {'ink': 4.5, 'muted': 4.5, 'focus': 3, 'surface': 1, 'grid': 1}.get(
                    key, 1.5)
                self.assertGreaterEqual(contrast(color, theme['surface']), least, f'{name} {key}')


def themes():
    """Variables of charts.css without their prefix, by theme."""
    blocks = re.findall(r':root[^{]*\{([^{}]*)\}', read(os.path.join(PAGE, 'charts', 'charts.css')))
    blocks = [dict(re.findall(r'--tj-([\w-]+):\s*(#[0-9a-f]{6});', block)) for block in blocks]
    light, dark, chosen_dark = [dict(blocks[0], **block) for block in blocks]
    assert dark == chosen_dark, 'the two dark themes of charts.css differ'
    return {'light': light, 'dark': dark}


def contrast(a, b):
    def luminance(color):
        parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


if __name__ == '__main__':
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    TOOL, PAGE, *LIBRARIES, TERMS, PAPER = [os.path.abspath(path) for path in sys.argv[1:7]]
    # d3 before d3-sankey, which needs it.
    D3, SANKEY = sorted(LIBRARIES, key=lambda path: 'sankey' in path)
    rest = sys.argv[7:]
    KEEP = ''.join(argument[7:] for argument in rest if argument.startswith('--keep='))
    unittest.main(argv=[sys.argv[0]] + [a for a in rest if not a.startswith('--keep=')],
                  verbosity=2)
