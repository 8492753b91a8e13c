// Draws every chart over every answer that the test recorded, at several widths,
// and notes what a reader would trip over: exceptions, NaN in attributes, text that
// leaves its chart, texts that lie on each other, drawings that differ when drawn
// twice. The test reads the result from the element with id "result".
(function() {
'use strict';

const charts = tokenjoule.charts;
const WIDTHS = [320, 390, 560, 760, 1100, 1600];

// Which charts draw the answer of which sub-command, with which options.
const noop = () => {};
const CASES = {
  analyze: [
    ['energyBar', {}], ['energyBar', {onFigure: noop}], ['energySankey', {}], ['dramShare', {}],
    ['roofline', {}], ['energyRoofline', {}], ['memoryMap', {}], ['layers', {}],
    ['layers', {sort: {key: 'name', descending: false}}]
  ],
  batch: [
    ['pareto', {}], ['pareto', {onLimit: noop, limitMs: 20}],
    ['pareto', {onLimit: noop, log: true}], ['curves', {}], ['curves', {x: 'context'}],
    ['curves', {y: 'time', linearX: true, linearY: true}], ['curves', {y: 'share'}],
    ['curves', {y: 'throughput', marker: 8}]
  ],
  ceiling: [['ceiling', {}], ['ceiling', {by: 'term', pairs: 8}]],
  sensitivity:
      [['tornado', {}], ['tornado', {what: 'time'}], ['tornado', {what: 'elasticity', count: 40}]],
  tricks: [['tricks', {}]],
  compare: [
    ['compareWaterfall', {}],
    ['compareWaterfall', {by: 'cause', nameA: 'h100-sxm, bf16', nameB: 'b200, fp8'}]
  ],
  machines: [['machines', {}]],
  plan: [['plan', {}], ['plan', {count: 2}]],
  sweep: [['sweep', {}], ['sweep', {x: 'cost_usd'}]],
};

// All figures that marks offer to explain.
const figures = new Set();

const badAttributes = (svg) => {
  const bad = [];
  for (const node of svg.querySelectorAll('*')) {
    for (const attribute of node.attributes) {
      if (/NaN|undefined|Infinity/.test(attribute.value) && !attribute.name.startsWith('aria') &&
          !attribute.name.startsWith('data')) {
        bad.push(node.tagName + ' ' + attribute.name + '=' + attribute.value.slice(0, 60));
      }
    }
    for (const name of ['width', 'height', 'r']) {
      if (parseFloat(node.getAttribute(name)) < 0) bad.push(node.tagName + ' negative ' + name);
    }
  }
  return bad.slice(0, 3);
};

const textFaults = (svg) => {
  const faults = [], outer = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')]
                    .filter((t) => t.textContent.trim() !== '')
                    .map((t) => ({text: t.textContent, box: t.getBoundingClientRect()}));
  for (const {text, box} of boxes) {
    if (box.left < outer.left - 1 || box.right > outer.right + 1 || box.top < outer.top - 1 ||
        box.bottom > outer.bottom + 1) {
      faults.push('outside: "' + text + '"');
    }
    if (/NaN|undefined|Infinity|\[object/.test(text)) faults.push('not a word: "' + text + '"');
  }
  for (let i = 0; i < boxes.length; ++i) {
    for (let j = i + 1; j < boxes.length; ++j) {
      const a = boxes[i].box, b = boxes[j].box;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const tall = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // Boxes of text have leading; letters meet if more than that overlaps.
      if (wide > 1.5 && tall > 0.3 * Math.min(a.height, b.height)) {
        faults.push('overlap: "' + boxes[i].text + '" and "' + boxes[j].text + '"');
      }
    }
  }
  return faults.slice(0, 4);
};

const marksFaults = (host) => {
  const marks = [...host.querySelectorAll('.tj-mark')];
  const faults = [];
  const stops = marks.filter((m) => m.getAttribute('tabindex') === '0');
  if (marks.length && stops.filter((m) => !m.classList.contains('tj-handle')).length !== 1)
    faults.push('not one tab stop');
  for (const mark of marks) {
    const label = mark.getAttribute('aria-label') || '';
    if (label === '' || /NaN|undefined|Infinity|\[object/.test(label))
      faults.push('label of a mark: "' + label + '"');
  }
  const keys = marks.map((m) => m.getAttribute('data-key'));
  if (new Set(keys).size !== keys.length)
    faults.push(
        'keys of marks repeat: ' + keys.filter((k, i) => keys.indexOf(k) !== i).slice(0, 3));
  return faults.slice(0, 3);
};

const standsAlone = (svg) => {
  const text = charts.standalone(svg);
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
  if (parsed.querySelector('parsererror')) return ['the exported SVG is not XML'];
  const faults = [];
  if (/var\(|class=|tabindex=/.test(text)) faults.push('the exported SVG needs a style sheet');
  return faults;
};

const checkOne = (host, name, data, options, width) => {
  host.style.width = width + 'px';
  host.textContent = '';
  const faults = [];
  try {
    charts[name](host, data, options);
    const first = host.innerHTML;
    charts[name](host, data, options);
    if (host.innerHTML !== first) faults.push('drawn twice it differs');
  } catch (error) {
    return ['exception: ' + (error.stack || error).toString().slice(0, 300)];
  }
  if (host.textContent.trim() === '') faults.push('nothing drawn and nothing said');
  if (host.scrollWidth > width + 1) faults.push('wider than its host: ' + host.scrollWidth);
  for (const svg of host.querySelectorAll('svg')) {
    faults.push(...badAttributes(svg), ...textFaults(svg), ...standsAlone(svg));
  }
  if (host.querySelector('script, img, a, iframe')) faults.push('a name became an element');
  faults.push(...marksFaults(host));
  for (const node of host.querySelectorAll('[data-figure]'))
    figures.add(node.getAttribute('data-figure'));
  return faults;
};

const run = () => {
  const recorded = JSON.parse(document.getElementById('answers').textContent);
  const host = document.getElementById('host');
  const result = {drawn: 0, charts: {}, faults: []};
  const check = (answer, name, options) => {
    if (!charts[name]) {
      result.faults.push(name + ': there is no such chart');
      return;
    }
    result.charts[name] = (result.charts[name] || 0) + 1;
    const own = Object.assign(
        {}, options, answer.whole && name === 'energyBar' ? {whole: answer.whole} : {});
    for (const width of WIDTHS) {
      ++result.drawn;
      for (const fault of checkOne(host, name, answer.data, own, width)) {
        result.faults.push(
            answer.name + ' ' + name + ' ' + JSON.stringify(options) + ' at ' + width + ': ' +
            fault);
      }
    }
  };
  for (const answer of recorded) {
    for (const [name, options] of CASES[answer.kind] || []) check(answer, name, options);
  }
  // Nothing, and less than nothing, is said in words.
  const empty = [
    null, undefined, {},
    {rows: [], series: [], ceilings: [], tricks: [], energy_terms: [], operators: []}, {
      rows: [null],
      ceilings: [null],
      elasticities: [null],
      tricks: [null],
      energy_terms: [null],
      operators: [null],
      front: [null],
      energy_per_token_j: NaN
    }
  ];
  const names = new Set(Object.values(CASES).flat().map(([name]) => name));
  for (const name of names) {
    empty.forEach((data, i) => check({name: 'empty ' + i, data}, name, {}));
  }
  result.faults.push(
      ...seesFaults(host), ...lengths(host, recorded), ...interactions(host, recorded),
      ...damaged(host, recorded, result));
  resized(host, recorded).then((faults) => {
    result.faults.push(...faults);
    result.figures = [...figures].sort();
    document.getElementById('result').textContent = JSON.stringify(result);
  });
};

// Answers with fields that are missing or hold what no answer should: whatever comes,
// a chart is drawn or something is said. The same on every run.
const DAMAGE = [undefined, null, NaN, 0, -1, 1e308, 1e-308, '', 'words', [], {}, true];
const ROUNDS = 10;

const damaged = (host, recorded, result) => {
  let seed = 1;
  const random = (n) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * n);
  };
  const damage = (data) => {
    // A walk from the root to a field, which is replaced.
    let node = data;
    for (;;) {
      const keys = Object.keys(node);
      if (keys.length === 0) return;
      const key = keys[random(keys.length)], child = node[key];
      if (child === null || typeof child !== 'object' || random(6) === 0) {
        node[key] = DAMAGE[random(DAMAGE.length)];
        return;
      }
      node = child;
    }
  };
  const faults = [];
  const kinds = new Set(recorded.map((a) => a.kind));
  for (const kind of kinds) {
    const text = JSON.stringify(recorded.find((a) => a.kind === kind).data);
    for (let round = 0; round < ROUNDS; ++round) {
      const data = JSON.parse(text);
      const before = seed;
      for (let i = 0; i < 40; ++i) damage(data);
      for (const [name, options] of CASES[kind] || []) {
        ++result.drawn;
        for (const fault of checkOne(host, name, data, options, 560)) {
          faults.push(
              'damaged by ' + before + ', ' + name + ' ' + JSON.stringify(options) + ': ' + fault);
        }
      }
    }
  }
  return faults;
};

// The checks themselves: a chart with each fault in it must be found out.
const seesFaults = (host) => {
  const svg = d3.select(host).html('').append('svg').attr('width', 200).attr('height', 40);
  const text = (x, words) => svg.append('text').attr('x', x).attr('y', 20).text(words);
  text(10, 'first words');
  text(20, 'second words');
  text(190, 'leaves');
  svg.append('circle').attr('r', NaN);
  const found = textFaults(svg.node()).concat(badAttributes(svg.node())).join('; ');
  return ['overlap: "first words"', 'outside: "leaves"', 'circle r=NaN']
      .filter((fault) => !found.includes(fault))
      .map((fault) => 'the check is blind to: ' + fault);
};

const find = (recorded, kind, name) =>
    recorded.find((a) => a.kind === kind && (!name || a.name === name)).data;

const press = (node, key) =>
    node.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));

const point = (node, type, x) => node.dispatchEvent(new PointerEvent(
    type, {clientX: x, clientY: 10, bubbles: true, cancelable: true, pointerId: 1}));

// Lengths and words against the numbers of the answers, counted here by hand.
const lengths = (host, recorded) => {
  const faults = [];
  const near = (value, wanted, slack, words) => {
    if (!(Math.abs(value - wanted) <= slack)) {
      faults.push('length: ' + words + ' is ' + value + ', not ' + wanted);
    }
  };
  const says = (label, words) => {
    if (!label.includes(words)) faults.push('words: "' + label + '" does not say "' + words + '"');
  };
  const {kit} = charts;
  const written = [
    [kit.si(0.48218, 'J'), '482\u00a0mJ'],
    [kit.si(999.6, 'W'), '1\u00a0kW'],
    [kit.si(0, 'B'), '0\u00a0B'],
    [kit.si(undefined, 'J'), 'unknown'],
    [kit.digits(12345), '12\u202f300'],
    [kit.digits(-0.05), '\u22120.05'],
    [kit.range(1.03, 0.7149, 1.94, 'J'), '1.03\u00a0J (0.715 to 1.94)'],
    [kit.range(0.698, 0.31, 2.06, 'J'), '698\u00a0mJ (310 to 2060)'],
    [kit.range(0.001, 0.0008, 0.0013, ''), '0.001 (0.0008 to 0.0013)'],
    [kit.percent(0.0002), 'under 0.1\u00a0%'],
    [kit.percent(0.27), '27\u00a0%'],
  ];
  for (const [text, wanted] of written) {
    if (text !== wanted) faults.push('words: "' + text + '" is not "' + wanted + '"');
  }
  host.style.width = '1000px';
  const svg = () => host.querySelector('svg');
  const marks = (start) => [...host.querySelectorAll('.tj-mark')].filter(
      (m) => m.getAttribute('data-key').startsWith(start));
  const width = (node) => parseFloat(node.getAttribute('width'));

  // Llama-3.1-8B in bf16 at batch 8 and context 8192: segments are as long as their
  // share of the facility's energy, over the width of the chart.
  const dense = recorded.find((a) => a.kind === 'analyze');
  charts.energyBar(host, dense.data, {whole: dense.whole});
  const facility = dense.whole.energy_per_token_j;
  for (const term of dense.whole.energy_terms) {
    const segment = marks('bar-').find((m) => m.getAttribute('data-figure') === term.term);
    if (!segment) continue;
    near(width(segment), (term.energy_per_token_j / facility) * (1000 - 5), 1, term.term);
  }

  // Its KV cache is 2 x 8 heads x 128 x 2 bytes x 32 layers a token, 8.59 GB.
  charts.memoryMap(host, dense.data, {});
  says(svg().textContent, 'KV cache 8.59\u00a0GB');
  says(marks('place-')[0].getAttribute('aria-label'), 'KV cache 8.59\u00a0GB');

  // All energy leaves the total and arrives at causes: ribbons at both ends are as
  // wide as the node is tall.
  charts.energySankey(host, dense.data, {});
  const tall = (m) => parseFloat(m.querySelector('rect').getAttribute('height'));
  near(d3.sum(marks('cause '), tall), tall(marks('total')[0]), 3, 'the causes together');

  // On logarithmic axes, distances are ratios: between the whole step and attention,
  // in FLOP per byte.
  charts.roofline(host, dense.data, {});
  const at = (m) => {
    const box = m.getBoundingClientRect();
    return box.left + box.width / 2 - host.getBoundingClientRect().left;
  };
  const op = (name) => dense.data.operators.find((o) => o.name === name);
  const intensity = (o) => o.flop / (o.weight_bytes + o.kv_bytes);
  const [core, head] = ['full.attention.core', 'lm_head'];
  const decade = (at(marks('op-' + head)[0]) - at(marks('op-' + core)[0])) /
      Math.log10(intensity(op(head)) / intensity(op(core)));
  near(
      at(marks('step')[0]) - at(marks('op-' + core)[0]),
      decade * Math.log10(dense.data.arithmetic_intensity_flop_per_byte / intensity(op(core))), 0.5,
      'the step beside attention');

  // The way from A to B ends where B does.
  const comparison = find(recorded, 'compare');
  for (const by of ['term', 'cause']) {
    charts.compareWaterfall(host, comparison, {by});
    const bar = (m) => m.querySelectorAll('rect')[1];
    const x = (node) => parseFloat(node.getAttribute('x'));
    const total = marks('total-b')[0], steps = marks('change-'), end = bar(steps[steps.length - 1]);
    const b = x(bar(total)) + width(bar(total));
    const reached = [x(end), x(end) + width(end)].sort((p, q) => Math.abs(p - b) - Math.abs(q - b));
    near(reached[0], b, 1.5, 'the way to B by ' + by);
  }

  // Speed of a user and throughput of a chip, from tokens per second.
  const batch = recorded.find((a) => a.kind === 'batch' && a.data.rows.length > 5).data;
  charts.pareto(host, batch, {});
  const row = batch.rows.find((r) => r.scenario.batch === 8);
  const label = marks('throughput-')
                    .find((m) => m.getAttribute('data-key').endsWith('-8'))
                    .getAttribute('aria-label');
  says(label, Number((row.tokens_per_s / 8).toPrecision(3)) + ' tokens/s per user');
  says(label, Number(row.tokens_per_s.toPrecision(3)) + ' tokens/s per chip');
  return faults;
};

// What pointer and keys do.
const interactions = (host, recorded) => {
  const faults = [];
  const expect = (holds, words) => {
    if (!holds) faults.push('interaction: ' + words);
  };
  host.style.width = '760px';
  const mark = (key) => host.querySelector('[data-key="' + key + '"]');

  // Marks: one tab stop, arrow keys, a tip of text, Enter and click.
  const chosen = [];
  charts.energyBar(
      host, find(recorded, 'analyze', 'hostile'), {onFigure: (figure) => chosen.push(figure)});
  const marks = [...host.querySelectorAll('.tj-mark')];
  marks[0].focus();
  press(marks[0], 'ArrowDown');
  expect(document.activeElement === marks[1], 'an arrow key goes to the next mark');
  press(marks[1], 'End');
  expect(document.activeElement === marks[marks.length - 1], 'End goes to the last mark');
  const column = mark('row-DRAM column and data movement');
  column.focus();
  const tip = host.querySelector('.tj-tip');
  expect(
      tip && tip.textContent.includes('DRAM column and data movement') &&
          tip.textContent.includes('J'),
      'a mark has a tip');
  press(column, 'Escape');
  expect(!host.querySelector('.tj-tip'), 'Escape closes the tip');
  press(column, 'Enter');
  column.dispatchEvent(new MouseEvent('click', {bubbles: true}));
  expect(
      chosen.join() === 'DRAM_COLUMN,DRAM_COLUMN',
      'Enter and click choose the figure; got ' + chosen.join());
  charts.energyBar(host, find(recorded, 'analyze', 'hostile'), {onFigure: () => {}});
  expect(
      document.activeElement === mark('row-DRAM column and data movement'),
      'drawing again keeps the focus');

  // The limit: by keys and by pointer; drawn again while it is dragged.
  const limits = [];
  const batch = recorded.find((a) => a.kind === 'batch' && a.data.rows.length > 5).data;
  charts.pareto(host, batch, {limitMs: 20, onLimit: (ms) => limits.push(ms)});
  const handle = () => mark('limit-throughput');
  handle().focus();
  press(handle(), 'ArrowRight');
  expect(
      limits.length === 1 && Math.abs(limits[0] - 20 / 1.05) < 0.1,
      'an arrow key moves the limit by five per cent; got ' + limits);
  expect(document.activeElement === handle(), 'the handle keeps the focus');
  press(handle(), 'Home');
  expect(limits[1] === null, 'Home removes the limit');
  const before = handle().getBoundingClientRect();
  point(handle(), 'pointerdown', before.left + 12);
  point(window, 'pointermove', before.left + 212);
  point(window, 'pointermove', before.left + 262);
  const after = handle().getBoundingClientRect();
  expect(
      Math.abs(after.left + after.width / 2 - before.left - 262) < 3,
      'the handle follows the pointer');
  const dragged = limits.length;
  expect(
      dragged === 4 && limits[3] > 0 && limits[3] < limits[2],
      'dragging to the right tightens the limit; got ' + limits);
  point(window, 'pointerup', before.left + 262);
  point(window, 'pointermove', before.left + 300);
  expect(limits.length === dragged, 'the drag ends');

  // Sorting.
  const sorts = [];
  charts.layers(host, find(recorded, 'analyze'), {onSort: (sort) => sorts.push(sort)});
  const names = () => [...host.querySelectorAll('tbody th')].map((th) => th.textContent);
  mark('sort-name').click();
  expect(
      names().join() === names().slice().sort(d3.ascending).join() && sorts.length === 1,
      'a heading sorts');
  mark('sort-name').click();
  expect(
      names().join() === names().slice().sort(d3.descending).join(),
      'a second click turns the order');
  expect(document.activeElement === mark('sort-name'), 'sorting keeps the focus');
  return faults;
};

// A chart follows the width of its host.
const resized = async (host, recorded) => {
  host.style.width = '900px';
  charts.dramShare(host, find(recorded, 'analyze'), {});
  const wide = host.querySelector('svg').getAttribute('width');
  host.style.width = '400px';
  await new Promise((done) => setTimeout(done, 300));
  const narrow = host.querySelector('svg').getAttribute('width');
  return wide === '900' && narrow === '400' ?
      [] :
      ['a chart does not follow its host: ' + wide + ', ' + narrow];
};

window.addEventListener('load', run);
})();
