#!/usr/bin/env python3
"""The page as a user sees it: a real headless Chromium at `tokenjoule serve`,
whose numbers are compared with those of the command line.

  ./tools/bazel test -c opt //tests/page:page_test

Skipped, and says so, where Chromium or chromedriver is not installed (Debian:
apt-get install chromium chromium-driver). Pictures of the views are kept in the
test's undeclared outputs.

usage: page_test.py TOKENJOULE [--url=URL] [unittest arguments]
"""

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import webdriver  # noqa: E402
from webdriver import wait  # noqa: E402

TOOL = ''
URL = ''
BOUNDARIES = ['stack', 'memory_path', 'chip', 'board', 'node', 'facility']
PREFIXES = {'': 1, 'k': 1e3, 'M': 1e6, 'G': 1e9, 'm': 1e-3, 'µ': 1e-6, 'n': 1e-9, 'p': 1e-12}

ENERGY = '.answer [data-figure=energy_per_token_j]'

# A small decoder, as a config.json of its users says it. Its name tries to be
# HTML.
CONFIG = {
    'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': 1024,
    'intermediate_size': 2816, 'num_hidden_layers': 8, 'num_attention_heads': 16,
    'num_key_value_heads': 4, 'vocab_size': 32000, 'max_position_embeddings': 4096,
    'rms_norm_eps': 1e-5, 'tie_word_embeddings': False, 'torch_dtype': 'bfloat16',
    'hidden_act': 'silu',
}


def ask_tool(*arguments):
    """The answer of the command line, as JSON."""
    done = subprocess.run([TOOL, *arguments, '--format=json'], capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


def analyze(*arguments):
    given = ''.join(arguments)
    usual = [flag for flag in ('--model=llama-3.1-8b', '--hardware=h100-sxm')
             if flag.split('=')[0] + '=' not in given]
    return ask_tool('analyze', *usual, *arguments)


def value_of(text):
    """The number that "482 mJ" stands for."""
    found = re.match(r'\s*([0-9.]+)\s*([kMGmµnp]?)(?:J|s|B)\b', text)
    assert found, f'no value with a unit in {text!r}'
    return float(found.group(1)) * PREFIXES[found.group(2)]


class PageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = None
        cls.url = URL
        if not cls.url:
            cls.server = subprocess.Popen([TOOL, 'serve', '--port=0'], stdout=subprocess.PIPE,
                                          text=True)
            cls.url = re.search(r'http://\S+', cls.server.stdout.readline()).group().rstrip('/') + '/'
        cls.browser = webdriver.Browser(*webdriver.find_programs())

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        if cls.server:
            cls.server.terminate()
            cls.server.wait()

    def setUp(self):
        browser = self.browser
        browser.resize(1440, 900)
        browser.prefer(prefers_color_scheme='light')
        browser.log('browser')
        browser.log('performance')

    def tearDown(self):
        """Whatever a test did: no error in the console, no request to elsewhere."""
        wrong = []
        for entry in self.browser.log('browser'):
            # A refused setup is reported by the browser as status 422.
            if entry['level'] == 'SEVERE' and 'status of 422' not in entry['message']:
                wrong.append(entry['message'])
        self.assertEqual(wrong, [], 'errors in the console')
        for entry in self.browser.log('performance'):
            message = json.loads(entry['message'])['message']
            if message['method'] != 'Network.requestWillBeSent':
                continue
            url = message['params']['request']['url']
            self.assertRegex(url, '^(' + re.escape(self.url) + '|data:|blob:|file:|about:|chrome)')

    # ---- Helpers

    def follow(self, link):
        """Opens a link of the page and waits for its answer."""
        self.browser.open(self.url + '#' + link)
        wait('an answer', lambda: self.browser.text(ENERGY) or
             self.browser.text('.verdict.not'))

    def energy(self):
        return value_of(self.browser.text(ENERGY))

    def assertEnergyIs(self, report):
        """Waits until the page shows the energy of an answer, to three digits."""
        wanted = report['energy_per_token_j']
        wait(f'{wanted} J', lambda: self.browser.text(ENERGY) and
             math.isclose(self.energy(), wanted, rel_tol=0.006))

    def hash(self):
        return self.browser.run('return location.hash')

    def drop(self, name, content):
        """Drops a file on the page, as the browser hands it over."""
        self.browser.run('''
            const data = new DataTransfer();
            data.items.add(new File([arguments[1]], arguments[0]));
            for (const kind of ['dragenter', 'dragover', 'drop']) {
              document.body.dispatchEvent(new DragEvent(kind,
                  {bubbles: true, cancelable: true, dataTransfer: data}));
            }''', name, content)

    def control(self, flag):
        return f'[data-flag="{flag}"] input.value'

    def picture(self, name):
        folder = os.environ.get('TEST_UNDECLARED_OUTPUTS_DIR')
        if folder:
            self.browser.screenshot(os.path.join(folder, name + '.png'))

    # ---- What a user sees and does

    def test_the_answer_is_that_of_the_command_line(self):
        self.follow('batch=8&context=8k')
        report = analyze('--batch=8', '--context=8192')
        self.assertEnergyIs(report)
        text = self.browser.text('.answer')
        self.assertIn('llama-3.1-8b on h100-sxm', text)
        self.assertIn('context 8 192', text)
        self.assertIn('Fits', text)
        self.assertEqual(report['evidence'], 'fitted')
        self.assertIn('Fitted ' + report['evidence_note'].replace('fitted ', '', 1), text)
        self.assertTrue(math.isclose(
            value_of(self.browser.text('.answer [data-figure=step_time_s]')),
            report['step_time_s'], rel_tol=0.006))
        low, high = report['energy_per_token_j_low'], report['energy_per_token_j_high']
        shown = self.browser.text('.metric .range')
        ends = re.fullmatch(r'([0-9.]+) to ([0-9.]+) mJ', shown)
        self.assertTrue(ends, shown)
        self.assertAlmostEqual(float(ends.group(1)) / 1e3, low, delta=0.006 * low)
        self.assertAlmostEqual(float(ends.group(2)) / 1e3, high, delta=0.006 * high)

    def test_a_model_is_found_as_it_is_typed(self):
        self.follow('')
        self.browser.click(self.control('model'))
        self.browser.press('Control+a', *'qwen3 8')
        wait('options', lambda: self.browser.run(
            "return document.querySelectorAll('[data-flag=model] [role=option]').length") > 0)
        self.browser.press('Enter')
        self.assertEnergyIs(analyze('--model=qwen3-8b'))
        self.assertIn('model=qwen3-8b', self.hash())
        # What was typed in vain is taken back.
        self.browser.click(self.control('model'))
        self.browser.press(*'xyz', 'Escape')
        self.assertEqual(self.browser.run(
            'return document.querySelector(arguments[0]).value', self.control('model')), 'qwen3-8b')

    def test_a_slider_is_dragged(self):
        self.follow('')
        before = self.energy()
        left, top, width, height = self.browser.box('[data-flag=batch] input[type=range]')
        self.browser.drag((left + 8, top + height / 2), (left + width / 2, top + height / 2))
        batch = wait('the batch in the link', lambda: re.search(r'batch=(\d+)', self.hash()))
        batch = int(batch.group(1))
        self.assertTrue(30 < batch < 120, batch)
        self.assertEnergyIs(analyze(f'--batch={batch}'))
        self.assertLess(self.energy(), before / 10)
        # The whole drag is one step back.
        self.browser.back()
        wait('the old answer', lambda: math.isclose(self.energy(), before))

    def test_values_are_typed_as_on_the_command_line(self):
        self.follow('')
        self.browser.fill(self.control('context'), '8k')
        self.browser.fill(self.control('kv'), 'fp8')
        self.browser.fill(self.control('tp'), '2')
        self.assertEnergyIs(analyze('--context=8192', '--kv=fp8', '--tp=2'))
        self.assertIn('2 chips (tp 2)', self.browser.text('.answer'))

    def test_the_boundary_changes_every_energy_on_the_page(self):
        self.follow('batch=8')
        seen = set()
        for boundary in BOUNDARIES:
            self.browser.click(f'#boundary input[value={boundary}]')
            report = analyze('--batch=8', f'--boundary={boundary}')
            self.assertEnergyIs(report)
            seen.add(self.browser.text(ENERGY))
            share = next(one for one in report['dram_share_by_boundary']
                         if one['boundary'] == boundary)['stack_energy_share']
            shown = float(self.browser.text('.share .value').split()[0])
            self.assertAlmostEqual(shown, 100 * share, delta=0.6)
            self.assertIn(boundary.replace('_', ' '), self.browser.text('.answer'))
            # The chart and the table of terms are those of the boundary as well.
            self.browser.run(
                "const t = document.querySelector('[data-panel=\"Energy by term\"] .as-table');"
                "if (t) t.open = true;")
            wait('the table', lambda: self.browser.text('tr.total td') and math.isclose(
                value_of(self.browser.text('tr.total td')), report['energy_per_token_j'],
                rel_tol=0.006))
        self.assertEqual(len(seen), len(BOUNDARIES))

    def test_a_link_is_a_study_and_back_leads_back(self):
        self.follow('model=qwen3-8b&hardware=b200&batch=16&boundary=node&view=memory')
        wait('the view', lambda: 'What fills the memory' in self.browser.text('#view'))
        report = analyze('--model=qwen3-8b', '--hardware=b200', '--batch=16', '--boundary=node')
        self.assertEnergyIs(report)
        self.browser.fill(self.control('batch'), '64')
        self.assertEnergyIs(analyze('--model=qwen3-8b', '--hardware=b200', '--batch=64',
                                    '--boundary=node'))
        link = self.browser.run('return location.href')
        self.browser.back()
        self.assertEnergyIs(report)
        self.assertEqual(self.browser.run(
            'return document.querySelector(arguments[0]).value', self.control('batch')), '16')
        self.browser.forward()
        wait('the link', lambda: self.browser.run('return location.href') == link)
        self.browser.reload()
        self.assertEnergyIs(analyze('--model=qwen3-8b', '--hardware=b200', '--batch=64',
                                    '--boundary=node'))

    def test_a_link_says_what_the_page_does_not_know(self):
        self.follow('batch=8&colour=red&boundary=moon')
        notices = wait('a notice', lambda: self.browser.text('#notices'))
        self.assertIn('colour=red', notices)
        self.assertIn('boundary=moon', notices)
        self.assertEnergyIs(analyze('--batch=8'))

    def test_two_scenarios_stand_side_by_side(self):
        self.follow('batch=8')
        self.browser.click('#second')
        wait('the message', lambda: 'B is as A' in self.browser.text('#view'))
        self.browser.fill(self.control('batch'), '32')
        self.browser.fill(self.control('hardware'), 'b200')
        self.assertIn('to.batch=32', self.hash())
        comparison = ask_tool('compare', '--model=llama-3.1-8b', '--hardware=h100-sxm',
                              '--batch=8', '--to.batch=32', '--to.hardware=b200')
        values = wait('two energies', lambda: self.browser.run(
            'const all = [...document.querySelectorAll(arguments[0])].map((n) => n.innerText);'
            'return document.body.innerText.includes("llama-3.1-8b on b200") ? all : null', ENERGY))
        for shown, side in zip(values, 'ab'):
            self.assertTrue(math.isclose(value_of(shown.replace('\u00a0', ' ')),
                                         comparison[side]['energy_per_token_j'], rel_tol=0.006))
        wait('the attribution', lambda: comparison['summary'] in self.browser.text('#view'))
        rows = self.browser.run(
            'return [...document.querySelectorAll("#view tbody tr")].map((r) => r.innerText)')
        changed = [term for term in comparison['terms']
                   if abs(term['change_j']) > 1e-9 * comparison['a']['energy_per_token_j']]
        self.assertEqual(len(rows), len(changed) + 1)
        self.browser.click('#one')
        wait('one scenario', lambda: 'to.' not in self.hash())
        self.assertEnergyIs(analyze('--batch=8'))

    def test_machines_are_laid_side_by_side(self):
        self.follow('batch=8')
        self.browser.fill(self.control('hardware'), 'h200,b200,nope')
        wait('the fault', lambda: 'nope' in self.browser.text('#view .faults'))
        self.browser.fill('#asked-machines', 'h200, b200, rtx-4090')
        study = ask_tool('analyze', '--model=llama-3.1-8b', '--hardware=h200,b200,rtx-4090',
                         '--batch=8')
        wait('the machines', lambda: 'rtx-4090' in self.browser.text('#view'))
        rows = wait('rows', lambda: self.browser.run(
            'return [...document.querySelectorAll("#view tbody tr")].map((r) => r.innerText)'))
        self.assertEqual(len(rows), len(study['rows']))
        for row, report in zip(rows, study['rows']):
            name, energy = row.replace('\u00a0', ' ').split('\t')[:2]
            self.assertEqual(name, report['hardware'])
            self.assertTrue(math.isclose(value_of(energy), report['energy_per_token_j'],
                                         rel_tol=0.006))
        # The rest of the page is about the first of them.
        self.assertEnergyIs(analyze('--hardware=h200', '--batch=8'))
        self.assertIn('machines=h200', self.hash())

    def test_a_plan_is_made_and_taken(self):
        self.follow('prompt=1000&output=200&view=plan')
        self.browser.fill('#asked-requests-per-s', '5')
        plan = ask_tool('plan', '--model=llama-3.1-8b', '--prompt=1000', '--output=200',
                        '--requests-per-s=5')
        wait('the plan', lambda: plan['summary'] in self.browser.text('#view'))
        names = self.browser.run(
            'return [...document.querySelectorAll("#view tbody th")].map((r) => r.innerText)')
        self.assertEqual(names, [row['hardware'] for row in plan['rows']])
        best = plan['rows'][0]
        self.browser.click('#view tbody .button')
        wait('the machine', lambda: f'on {best["hardware"]}' in self.browser.text('.answer h2'))
        self.assertEqual(self.browser.text('.controls .faults'), '')
        self.assertEnergyIs(json.loads(subprocess.run(
            [TOOL, *shlex.split(best['command'])[1:], '--format=json'], capture_output=True,
            check=True).stdout))

    def test_prices_make_costs(self):
        self.follow('batch=8&prompt=1000&output=200&view=costs')
        self.browser.click('#set-prices')
        for flag, price in (('price-per-kwh', '0.2'), ('chip-hour-price', '2'), ('carbon', '300')):
            self.browser.fill(self.control(flag), price)
        costs = analyze('--batch=8', '--prompt=1000', '--output=200', '--price-per-kwh=0.2',
                        '--chip-hour-price=2', '--carbon=300')['costs']
        price = costs['per_million_tokens']['price']
        wait('the price', lambda: f'a price of {price:.3g}' in self.browser.text('.answer'))
        self.assertIn(f'{price:.3g}', self.browser.text('#view table'))
        self.assertIn('per request', self.browser.text('#view'))
        self.assertIn('CO₂e', self.browser.text('#view'))

    def test_what_does_not_fit_says_so_first_and_has_no_speed(self):
        self.follow('model=llama-3.1-70b')
        text = self.browser.text('.answer')
        self.assertIn('DOES NOT FIT', text)
        self.assertNotIn('tokens/s', text)
        self.assertEqual(self.browser.text(ENERGY), '')
        self.browser.click('.remedies button')
        self.assertEnergyIs(analyze('--model=llama-3.1-70b', '--tp=2'))
        self.assertNotIn('DOES NOT FIT', self.browser.text('.answer'))

    def test_faults_stand_beside_the_setting_and_the_last_answer_stays(self):
        self.follow('batch=8')
        before = self.browser.text(ENERGY)
        self.browser.fill(self.control('batch'), '0.5')
        wait('the fault', lambda: '0.5' in self.browser.text('[data-flag=batch] .fault'))
        self.assertIn('no answer', self.browser.text('.controls .faults'))
        self.assertEqual(self.browser.run(
            'return document.querySelector(arguments[0]).getAttribute("aria-invalid")',
            self.control('batch')), 'true')
        self.assertEqual(self.browser.text(ENERGY), before)
        wait('grey', lambda: float(self.browser.run(
            'return getComputedStyle(document.querySelector(".answer")).opacity')) < 1)
        self.browser.fill(self.control('batch'), '16')
        self.assertEnergyIs(analyze('--batch=16'))
        self.assertEqual(self.browser.text('.controls .faults'), '')
        self.assertFalse(self.browser.run('return document.body.classList.contains("stale")'))

    def test_a_config_json_is_dropped(self):
        self.follow('batch=2')
        text = json.dumps(CONFIG)
        self.drop('<img src=x onerror=hacked=1>.json', text)
        wait('the notice', lambda: 'is taken as a model' in self.browser.text('#notices'))
        self.assertIn('<img src=x onerror=hacked=1>.json', self.browser.text('#notices'))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'config.json')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            report = analyze('--model=' + path, '--batch=2')
        self.assertEnergyIs(report)
        self.assertFalse(self.browser.run('return "hacked" in window'))
        # The link holds the file.
        self.browser.reload()
        self.assertEnergyIs(report)
        self.assertEqual(self.browser.run('return document.images.length'), 0)

    def test_a_machine_is_opened_as_a_file(self):
        self.follow('batch=2')
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'mine.textproto')
            with open(path, 'w', encoding='utf-8') as file:
                file.write('# proto-file: proto/hardware.proto\n# proto-message: Hardware\n'
                           'name: "mine"\nbase: "h100-sxm"\n')
            self.browser.send('input[type=file]', path)
            wait('the machine', lambda: 'on mine' in self.browser.text('.answer h2'))
        self.assertEnergyIs(analyze('--batch=2'))

    def test_files_that_are_none_are_refused_with_a_reason(self):
        self.follow('')
        for name, content, reason in (
                ('model.gguf', 'GGUF\x03', 'import-hf'),
                ('photo.json', '{"a": ', 'cannot be read'),
                ('notes.txt', 'hello', 'neither a config.json')):
            self.drop(name, content)
            wait(reason, lambda: reason in self.browser.text('#notices'))
        self.assertNotIn('file.', self.hash())

    def test_hostile_names_are_text(self):
        hostile = '<img src=x onerror="window.hacked=1">\u202e\u0007"\'`${1}'
        self.browser.open(self.url + '#' + 'model=' + hostile.replace('"', '%22')
                          .replace(' ', '%20').replace('\u0007', '%07').replace('<', '%3C')
                          .replace('\u202e', '%E2%80%AE').replace('>', '%3E') + '&batch=1')
        fault = wait('the fault', lambda: self.browser.text('.controls .faults'))
        self.assertIn('<img src=x', fault)
        self.assertNotIn('\u202e', fault)
        self.assertNotIn('\u0007', fault)
        self.assertEqual(self.browser.run('return document.images.length'), 0)
        self.assertFalse(self.browser.run('return "hacked" in window'))

    def test_hostile_text_of_files_is_text(self):
        # The engine refuses names with other signs than letters; sources are free.
        hostile = '<img src=x onerror=hacked=1>'
        self.follow('batch=2')
        self.drop('machine.textproto',
                  '# proto-message: Hardware\nname: "mine"\nbase: "h100-sxm"\n'
                  f'sources {{ id: "s" kind: ASSUMPTION citation: "{hostile}" date: "2026" }}\n'
                  'board { power_cap_w { value: 690 low: 690 high: 690 source: "s" } }\n')
        wait('the machine', lambda: 'on mine' in self.browser.text('.answer h2'))
        self.browser.click(ENERGY)
        wait('the source', lambda: hostile in self.browser.text('.explain'))
        self.browser.press('Escape')
        self.browser.click('.machine-fields summary')
        wait('the numbers', lambda: self.browser.text('.field'))
        self.assertEqual(self.browser.run('return document.images.length'), 0)
        self.assertFalse(self.browser.run('return "hacked" in window'))

    def test_any_number_of_the_machine_can_be_changed(self):
        self.follow('batch=8')
        path = 'hardware.memory.hbm.bandwidth_gb_per_s'
        self.browser.click('.machine-fields summary')
        wait('the numbers', lambda: 'numbers' in self.browser.text('.machine-fields'))
        self.browser.fill('.machine-fields input[type=search]', 'hbm bandwidth_gb')
        row = wait('the number', lambda: self.browser.text('.field'))
        self.assertIn('memory.hbm', row)
        self.assertIn('accepts', row)
        self.browser.fill(f'[data-path="{path}"]', '4800')
        self.assertEnergyIs(analyze('--batch=8', f'--set={path}=4800'))
        self.assertIn('set=' + path, self.hash())
        self.browser.click('.sets button')
        self.assertEnergyIs(analyze('--batch=8'))

    def test_a_number_that_is_clicked_says_where_it_comes_from(self):
        self.follow('batch=8')
        for name in ('energy_per_token_j', 'step_time_s', 'stack_energy_share', 'max_batch'):
            self.browser.click(f'.answer [data-figure={name}]')
            explained = ask_tool('explain', '--model=llama-3.1-8b', '--hardware=h100-sxm',
                                 '--batch=8', name)
            text = wait('the formula', lambda: self.browser.text('.explain .formula') and
                        self.browser.text('.explain'))
            formula = explained['formula'].split('\n')[0].split(' = ', 1)[1]
            self.assertIn(formula.replace(' x ', ' × '), text.replace('\n', ' '))
            first = explained['entries'][0]
            self.assertIn(first['path'].replace('hardware.', ''), text)
            self.assertIn(first['citation'], text)
            self.browser.press('Escape')
            self.assertEqual(self.browser.run(
                'return document.activeElement.getAttribute("data-figure")'), name)
        # Terms are explained from the chart and from its table.
        self.browser.click('[data-panel="Energy by term"] .as-table summary')
        self.browser.click('#view [data-figure=STATIC]')
        wait('the term', lambda: 'STATIC' in self.browser.text('.explain .formula'))
        self.picture('explanation')
        # It follows the setup.
        self.browser.press('Escape')

    def test_all_is_reached_by_keyboard_with_the_focus_in_sight(self):
        self.follow('')
        seen, unseen = [], []
        for _ in range(60):
            self.browser.press('Tab')
            what = self.browser.run('''
                const n = document.activeElement, s = getComputedStyle(n);
                const near = n.nextElementSibling ? getComputedStyle(n.nextElementSibling) : s;
                const outlined = (x) => x.outlineStyle !== 'none' && parseFloat(x.outlineWidth) >= 1;
                return [n.id || n.getAttribute('data-figure') || n.name || n.className || n.tagName,
                        outlined(s) || outlined(near)];''')
            seen.append(what[0])
            # The end of the page's own elements is the window.
            if not what[1] and what[0] != 'BODY':
                unseen.append(what[0])
        self.assertEqual(unseen, [], 'focused without an outline')
        for wanted in ('skip', 'copy-link', 'second', 'boundary', 'energy_per_token_j'):
            self.assertIn(wanted, seen)
        # The boundary by arrow, a view by arrow, an explanation by Enter.
        self.browser.run('document.querySelector("#boundary input:checked").focus()')
        self.browser.press('Right')
        self.assertEnergyIs(analyze('--boundary=node'))
        self.browser.run('document.querySelector("[role=tab][aria-selected=true]").focus()')
        self.browser.press('Right')
        wait('the next view', lambda: 'Ceiling' in self.browser.text('#view'))
        self.browser.run('document.querySelector(arguments[0]).focus()', ENERGY)
        self.browser.press('Enter')
        wait('the explanation', lambda: self.browser.text('.explain .formula'))
        self.browser.press('Escape')
        # The model by keys alone.
        self.browser.run('document.querySelector(arguments[0]).focus()', self.control('model'))
        self.browser.press(*'mistral', 'Down', 'Enter')
        wait('another model', lambda: 'mistral' in self.browser.text('.answer h2'))

    def test_controls_have_names_for_screen_readers(self):
        self.follow('to.batch=2&view=curves')
        nameless = self.browser.run('''
            document.querySelectorAll('details').forEach((d) => d.open = true);
            return [...document.querySelectorAll('input, select, button, [role=tab]')]
                .filter((n) => !(n.labels && n.labels.length) && !n.getAttribute('aria-label') &&
                        !n.getAttribute('aria-labelledby') && !n.textContent.trim())
                .map((n) => n.outerHTML.slice(0, 120));''')
        self.assertEqual(nameless, [])
        # Each answer is said.
        self.follow('batch=8&boundary=node')
        self.assertRegex(self.browser.run('return document.querySelector("[role=status]#spoken")'
                                          '.textContent').replace('\u00a0', ' '),
                         r'^llama-3.1-8b on h100-sxm: [0-9.]+ mJ per token at the node, [0-9.]+ ms')

    def test_every_flag_of_analyze_is_a_setting(self):
        page = subprocess.run([TOOL, 'analyze', '--help'], capture_output=True, text=True,
                              check=True).stdout
        flags = set(re.findall(r'^ +--([a-z][a-z_-]*)', page, re.MULTILINE))
        # What the page says by other means.
        flags -= {'boundary', 'set', 'format', 'out', 'operators'}
        self.follow('')
        settings = set(self.browser.run(
            'return tokenjoule.settings.all.map((setting) => setting.flag)'))
        self.assertEqual({flag.replace('_', '-') for flag in flags} - settings, set())

    def test_views_draw_and_fit_a_phone(self):
        for width, scheme in ((1440, 'light'), (375, 'dark')):
            self.browser.resize(width, 900)
            self.browser.prefer(prefers_color_scheme=scheme)
            for view in ('energy', 'levers', 'curves', 'roofline', 'tradeoffs', 'machines',
                         'plan', 'memory', 'operators', 'costs', 'compare'):
                with self.subTest(view=view, width=width):
                    self.follow('batch=8&prompt=1000&output=200&view=' + view +
                                ('&to.batch=32' if view == 'compare' else ''))
                    wait('the panels', lambda: self.browser.run('''
                        const panels = [...document.querySelectorAll('#view .panel')];
                        return panels.length > 0 && panels.every((panel) =>
                            panel.getAttribute('aria-busy') === 'false' &&
                            panel.querySelector('svg, table'));'''))
                    self.assertEqual(self.browser.text('#view .faults'), '')
                    self.picture(f'{view}-{width}')
                    self.assertLessEqual(self.browser.run(
                        'return document.documentElement.scrollWidth'), width)

    def test_dark_and_light_are_legible(self):
        # Contrast of text at least 4.5, as WCAG 2 asks for.
        script = '''
            const luminance = (c) => {
              const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
                  .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
              return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (n) => {
              for (; n; n = n.parentElement) {
                const c = getComputedStyle(n).backgroundColor;
                if (!/, 0\\)$|transparent/.test(c)) return c;
              }
              return 'rgb(255, 255, 255)';
            };
            const poor = [];
            for (const n of document.querySelectorAll('body *:not(svg *)')) {
              if (![...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim())) continue;
              if (!n.offsetParent || n.closest('.unseen, .skip, option, select')) continue;
              const [x, y] = [luminance(getComputedStyle(n).color), luminance(ground(n))];
              const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
              if (ratio < 4.5) poor.push(n.className + ': ' + n.textContent.slice(0, 40) + ' ' +
                  ratio.toFixed(2));
            }
            return poor;'''
        for scheme in ('light', 'dark'):
            self.browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion='reduce')
            self.follow('batch=8&to.batch=32')
            self.assertEqual(self.browser.run(script), [], scheme)
        # The switch wins over the system's colours.
        self.browser.run('''
            const s = document.querySelector('.theme');
            s.value = 'light';
            s.dispatchEvent(new Event('change'));''')
        self.assertEqual(self.browser.run(
            'return getComputedStyle(document.querySelector(".answer")).backgroundColor'),
            'rgb(255, 255, 255)')
        self.browser.reload()
        wait('an answer', lambda: self.browser.text(ENERGY))
        self.assertEqual(self.browser.run(
            'return getComputedStyle(document.querySelector(".answer")).backgroundColor'),
            'rgb(255, 255, 255)')

    def export(self, panel, what):
        self.browser.click(f'[data-panel="{panel}"] .menu summary')
        self.browser.run('''
            [...document.querySelector('[data-panel="' + arguments[0] + '"]')
                .querySelectorAll('.menu button')].find((b) => b.textContent === arguments[1])
                .click();''', panel, what)

    def test_what_is_exported_is_what_was_shown(self):
        self.follow('batch=8')
        panel = 'Energy by term'
        wait('the chart', lambda: self.browser.run(
            'return document.querySelector("#view svg") !== null'))
        report = analyze('--batch=8')

        self.export(panel, 'JSON')
        name, content = self.browser.downloaded()
        self.assertEqual(name, 'tokenjoule_energyBar_llama-3.1-8b_h100-sxm.json')
        self.assertEqual(json.loads(content)['energy_per_token_j'], report['energy_per_token_j'])

        self.export(panel, 'CSV')
        name, content = self.browser.downloaded()
        self.assertTrue(name.endswith('.csv'))
        csv = subprocess.run([TOOL, 'analyze', '--model=llama-3.1-8b', '--hardware=h100-sxm',
                              '--batch=8', '--format=csv'], capture_output=True, check=True).stdout
        self.assertEqual(content, csv)

        self.export(panel, 'SVG')
        name, content = self.browser.downloaded()
        root = xml.etree.ElementTree.fromstring(content)
        self.assertEqual(root.tag, '{http://www.w3.org/2000/svg}svg')
        text = ' '.join(root.itertext())
        for part in ('llama-3.1-8b on h100-sxm', 'vllm', 'batch 8', 'bf16', 'board'):
            self.assertIn(part, text)
        self.assertNotIn(b'var(--', content)

        self.export(panel, 'PNG')
        name, content = self.browser.downloaded()
        self.assertEqual(content[:8], b'\x89PNG\r\n\x1a\n')
        self.assertEqual(int.from_bytes(content[16:20], 'big'), 2 * 960)

    def test_the_command_and_the_scenario_repeat_the_answer(self):
        hostile = 'hardware.memory.hbm.path_energy_pj_per_bit=1.5'
        self.follow('batch=8&kv=fp8&routing=power-law&draft-tokens=3&acceptance-rate=0.7'
                    f'&clock-mhz=1500&boundary=node&set={hostile}')
        shown = self.browser.text(ENERGY)
        command = self.browser.text('#repeat code')
        words = shlex.split(command)
        self.assertEqual(words[0], 'tokenjoule')
        answer = json.loads(subprocess.run([TOOL, *words[1:], '--format=json'],
                                           capture_output=True, check=True).stdout)
        self.assertTrue(math.isclose(value_of(shown), answer['energy_per_token_j'], rel_tol=0.006))

        self.browser.click('#save-scenario')
        name, content = self.browser.downloaded()
        self.assertTrue(name.endswith('.textproto'))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'scenario.textproto')
            with open(path, 'wb') as file:
                file.write(content)
            repeated = ask_tool('analyze', '--scenario=' + path)
        self.assertEqual(repeated['energy_per_token_j'], answer['energy_per_token_j'])

    def test_a_latency_limit_is_dragged(self):
        self.follow('view=tradeoffs')
        handle = '#view [role=slider]'
        wait('the handle', lambda: self.browser.run(
            'return document.querySelector(arguments[0]) !== null', handle))
        left, top, width, height = self.browser.box(handle)
        start = (left + width / 2, top + height / 2)
        self.browser.drag(start, (start[0] + 150, start[1]))
        wait('the limit', lambda: 'max-time-per-token-ms=' in self.hash())
        limit = float(re.search(r'max-time-per-token-ms=([\d.]+)', self.hash()).group(1))
        self.assertGreater(limit, 0)
        wait('the limit beside the chart', lambda: self.browser.run(
            'return Number(document.querySelector("#asked-max-time-per-token-ms").value)')
             == limit)

    def test_only_the_newest_question_is_shown(self):
        self.follow('')
        self.browser.run('''
            const text = document.querySelector(arguments[0]);
            for (let batch = 1; batch <= 60; ++batch) {
              text.value = String(batch);
              text.dispatchEvent(new Event('change', {bubbles: true}));
            }''', self.control('batch'))
        self.assertEnergyIs(analyze('--batch=60'))
        self.assertIn('batch 60', self.browser.text('.answer'))

    def test_an_answer_is_on_the_screen_at_once(self):
        """Prints the time from a change to its answer; the limit is wide, because
        machines of tests are slow and shared."""
        self.follow('')
        times = []
        for batch in range(2, 12):
            times.append(self.browser.call('POST', '/execute/async', {'script': '''
                const [batch, done] = arguments;
                const text = document.querySelector('[data-flag=batch] input.value');
                const start = performance.now();
                const watch = new MutationObserver(() => {
                  if (!document.querySelector('.answer').textContent.includes('batch ' + batch + ','))
                    return;
                  watch.disconnect();
                  done(performance.now() - start);
                });
                watch.observe(document.querySelector('.answer'), {childList: true, subtree: true});
                text.value = String(batch);
                text.dispatchEvent(new Event('change', {bubbles: true}));''', 'args': [batch]}))
        times.sort()
        print(f'from a change to its answer: median {times[5]:.0f} ms, largest {times[-1]:.0f} ms')
        self.assertLess(times[5], 5000)

    # ---- A report

    def report(self, *arguments):
        """Opens what `--format=html` writes."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, 'report.html')
        subprocess.run([TOOL, *arguments, '--format=html', '--out=' + path], check=True)
        self.browser.open('file://' + path)
        wait('a view', lambda: self.browser.run(
            'return document.querySelector("#view svg, #view table") !== null'))
        self.assertTrue(self.browser.run(
            'return document.querySelector(".controls").offsetParent === null'))

    def test_a_report_works_from_a_file(self):
        self.report('analyze', '--model=llama-3.1-8b', '--hardware=h100-sxm', '--batch=8')
        self.assertEnergyIs(analyze('--batch=8'))
        for boundary in BOUNDARIES:
            self.browser.click(f'#boundary input[value={boundary}]')
            self.assertEnergyIs(analyze('--batch=8', f'--boundary={boundary}'))
        self.assertNotIn('Batch and context', self.browser.text('#tabs'))
        for tab in self.browser.run(
                'return [...document.querySelectorAll("[role=tab]")].map((t) => t.dataset.view)'):
            self.browser.click(f'[data-view={tab}]')
            wait('the view', lambda: self.browser.run('''
                const panels = [...document.querySelectorAll('#view .panel')];
                return panels.length && panels.every((p) => p.querySelector('svg, table'));'''))
            self.assertEqual(self.browser.text('#view .faults'), '')
        self.picture('report')
        self.browser.click(ENERGY)
        wait('the formula', lambda: self.browser.text('.explain .formula'))

    def test_reports_of_other_studies(self):
        usual = ['--model=llama-3.1-8b', '--hardware=h100-sxm']
        for arguments, shown in (
                (['compare', *usual, '--batch=8', '--to.batch=32'], 'What changed the energy'),
                (['batch', *usual, '--batch=1:64:x2'], 'Energy over batch'),
                (['ceiling', *usual], 'Ceiling'),
                (['tricks', *usual], 'Tricks'),
                (['sweep', '--space=hbm-accelerator'], 'Pareto front')):
            with self.subTest(arguments[0]):
                self.report(*arguments)
                self.assertIn(shown, self.browser.text('#view'))
                self.assertEqual(self.browser.text('#view .faults'), '')
                self.picture('report-' + arguments[0])


def main():
    global TOOL, URL
    TOOL = os.path.abspath(sys.argv[1])
    rest = []
    for argument in sys.argv[2:]:
        if argument.startswith('--url='):
            URL = argument[len('--url='):]
        else:
            rest.append(argument)
    missing = [name for name, path in zip(('chromium', 'chromedriver'), webdriver.find_programs())
               if path is None]
    if missing:
        print('SKIPPED: ' + ' and '.join(missing) + ' not found: nothing of the page was tested. '
              'On Debian: apt-get install --no-install-recommends chromium chromium-driver')
        return
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)


if __name__ == '__main__':
    main()
