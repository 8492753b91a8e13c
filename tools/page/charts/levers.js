// What could change the energy: ceilings of what a free part could gain, a tornado
// of the constants, tricks alone and together, and the way from one scenario to
// another.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

const LESS = kit.color('series-1'), MORE = kit.color('series-2');

// ----------------------------------------------------------------- Ceilings

const KIND_WORDS = {
  DATASHEET: 'data sheet',
  PAPER: 'paper',
  MEASURED: 'measured',
  FITTED: 'fitted',
  DERIVED: 'derived',
  ASSUMPTION: 'an assumption',
  DEFINITION: 'definition'
};

const gainText = (gain) => (gain > 0 ? kit.times(gain) : 'nothing is left');

// Options: by, 'component' (default) or 'term'; pairs, how many pairs are shown
// (default 5).
kit.chart('ceiling', (frame, study) => {
  const all =
      study ? kit.items(study.ceilings).filter((c) => kit.number(c.gain) !== undefined) : [];
  if (all.length === 0) return 'There is no part of this machine that could be made free.';
  const byTerm = frame.options.by === 'term';
  const kind = byTerm ? 'TERM' : 'COMPONENT';
  const size = (c) => (c.gain > 0 ? c.gain : Infinity);
  const of = (count) => all.filter((c) => c.kind === kind && kit.list(c.free).length === count)
                            .sort((a, b) => size(b) - size(a));
  const singles = of(1), pairs = of(2).slice(0, kit.number(frame.options.pairs, 5));
  if (singles.length === 0) return 'There is no part of this machine that could be made free.';
  const work = kit.work(study.base);
  let y = kit.begin(frame, 'What the energy per ' + work + ' gains at most if a part is free');
  const solid = byTerm ? kit.color('series-1') : kit.color('series-6');
  y = kit.legend(
      frame, y,
      byTerm ?
          [
            {name: 'its energy is zero', fill: solid},
            {name: 'product of the two gains', draw: tickSwatch}
          ] :
          [
            {name: 'its energy is zero', fill: kit.color('series-1')},
            {name: 'and it takes no time', fill: solid, opacity: 0.6},
            {name: 'product of the two gains', draw: tickSwatch},
          ]);
  const energyOnly = (free) => all.find(
      (c) => c.kind === 'COMPONENT_ENERGY' && kit.list(c.free).join('\n') === free.join('\n'));
  const rows = [{heading: 'one part free'}];
  const top = d3.max(all.filter((c) => c.kind === kind), (c) => c.gain) || 1;
  const row = (c) => ceilingRow(c, byTerm ? null : energyOnly(kit.list(c.free)), byTerm, top);
  singles.forEach((c) => rows.push(row(c)));
  if (pairs.length) rows.push({heading: 'two parts free'});
  pairs.forEach((c) => rows.push(row(c)));
  frame.height = kit.rows(frame, rows, {
    top: y,
    values: [1, top, d3.min(all, (c) => c.gain || 1)],
    log: true,
    pad: 0.02,
    format: kit.times,
    title: 'gain: energy per ' + work + ' now over energy then',
    lineAt: 1
  });
});

const tickSwatch = (g, x, y, box) => kit.vertical(g, x, y - box * 0.6, y + box * 0.6, {width: 2});

const ceilingRow = (c, energyOnly, byTerm, top) => {
  const free = kit.list(c.free).map((name) => (byTerm ? kit.term(name).label : kit.name(name)));
  const label = free.join(' + ');
  const to = (gain) => (gain > 0 ? gain : top);
  const limit = typeof c.next_limit === 'string' && c.next_limit ? 'next limit: ' + c.next_limit +
          ' (' + (KIND_WORDS[c.next_limit_source] || 'source unknown') + ')' :
                                                                   '';
  return {
    label,
    value: gainText(c.gain),
    note: limit,
    draw: (g, place) => {
      kit.bar(
          g, place, 1, to(c.gain),
          {fill: byTerm ? LESS : kit.color('series-6'), opacity: byTerm ? 1 : 0.6});
      if (energyOnly) kit.bar(g, place, 1, to(energyOnly.gain), {fill: LESS});
      if (kit.number(c.product_of_gains, 0) > 0 && free.length === 2) {
        const x = Math.min(place.x(c.product_of_gains), place.x1);
        kit.vertical(g, x, place.y - 2, place.y + place.height + 2, {width: 2});
      }
    },
    mark: {
      key: 'ceiling-' + label,
      name: label + ' free: ' + gainText(c.gain),
      figure: byTerm && free.length === 1 ? kit.term(c.free[0]).figure : null,
      lines: [
        kit.si(c.energy_per_token_j, 'J') + ' left',
        kit.number(c.gain_orders_of_magnitude) !== undefined ?
            kit.digits(c.gain_orders_of_magnitude, 2) + ' orders of magnitude' :
            '',
        energyOnly ? 'energy alone: ' + gainText(energyOnly.gain) : '',
        kit.number(c.speedup, 0) > 1 ? 'the step is ' + kit.times(c.speedup) + ' as fast' : '',
        kit.number(c.product_of_gains, 0) > 0 ?
            'product of the two gains: ' + kit.times(c.product_of_gains) :
            '',
        limit
      ]
    },
  };
};

// ------------------------------------------------------------------ Tornado

// Options: what, 'energy' (default: over the range of each constant), 'time' or
// 'elasticity' (per cent per per cent, of the step time or the energy); count,
// how many rows (default 14).
kit.chart('tornado', (frame, study) => {
  const all = study ? kit.items(study.elasticities) : [];
  const what = frame.options.what || 'energy', count = kit.number(frame.options.count, 14);
  return what === 'energy' ? ranges(frame, study, all, count) :
                             elasticities(frame, study, all, count, what);
});

// Only constants of the machine have a source that can be explained.
const explained = (path) => (/^hardware\./.test(path) ? path : null);
const named = (path) => kit.name(path).replace(/^hardware\./, '');

const ranges = (frame, study, all, count) => {
  const base = kit.number(study && study.base && study.base.energy_per_token_j);
  const swing = (e) =>
      Math.max(Math.abs(e.energy_at_high_j - base), Math.abs(e.energy_at_low_j - base));
  const moving = all.filter((e) => e.high > e.low && swing(e) > 1e-6 * base)
                     .sort((a, b) => swing(b) - swing(a));
  if (base === undefined || moving.length === 0)
    return 'No constant with a range changes the energy.';
  const shown = moving.slice(0, count), work = kit.work(study.base);
  let y = kit.begin(frame, 'Energy per ' + work + ' over the range of each constant');
  y = kit.legend(frame, y, [
    {name: 'constant at its low end', fill: LESS}, {name: 'constant at its high end', fill: MORE}
  ]);
  const change = (value) => {
    const percent = 100 * (value / base - 1);
    return Math.abs(percent) < 0.05 ?
        '0' :
        (percent > 0 ? '+' : '\u2212') + kit.digits(Math.abs(percent), 2);
  };
  const rows = shown.map(
      (e) => ({
        label: named(e.path),
        value: [e.energy_at_low_j, e.energy_at_high_j].sort(d3.ascending).map(change).join(' to ') +
            '\u00a0%',
        draw: (g, place) => {
          // The longer end first, so that two ends on one side both show.
          const ends = [[e.energy_at_low_j, LESS], [e.energy_at_high_j, MORE]].sort(
              (a, b) => Math.abs(b[0] - base) - Math.abs(a[0] - base));
          ends.forEach(([value, fill]) => kit.bar(g, place, base, value, {fill, least: 0}));
        },
        mark: {
          key: 'tornado-' + e.path,
          name: named(e.path),
          figure: explained(e.path),
          lines: [
            kit.digits(e.value, 4) + ', range ' + kit.digits(e.low, 4) + ' to ' +
                kit.digits(e.high, 4),
            'energy at its low end: ' + kit.si(e.energy_at_low_j, 'J') +
                ', at its high end: ' + kit.si(e.energy_at_high_j, 'J'),
            'one per cent more changes the energy by ' + signed(e.energy) + ' %'
          ]
        },
      }));
  const values = shown.flatMap((e) => [e.energy_at_low_j, e.energy_at_high_j]).concat(base);
  y = baseLabel(frame, y, 'now ' + kit.si(base, 'J'));
  y = kit.rows(
      frame, rows,
      {top: y, values: values, unit: 'J', free: true, title: 'energy per ' + work, lineAt: base});
  const rest = moving.length - shown.length;
  frame.height = rest > 0 ?
      kit.paragraph(
          frame, y,
          rest + (rest === 1 ? ' more constant changes' : ' more constants change') +
              ' it by at most ' + kit.digits((100 * swing(moving[shown.length])) / base, 2) +
              ' %.') :
      y;
};

const baseLabel = (frame, y, text) => kit.paragraph(frame, y, text + ' (the line)');

const signed = (value) => {
  const number = kit.number(value);
  if (number === undefined) return 'unknown';
  return (number > 0 ? '+' : '') + kit.digits(number, 2);
};

const elasticities = (frame, study, all, count, what) => {
  const of = (e) => kit.number(what === 'time' ? e.step_time : e.energy, 0);
  const moving =
      all.filter((e) => Math.abs(of(e)) >= 5e-4).sort((a, b) => Math.abs(of(b)) - Math.abs(of(a)));
  const figure = what === 'time' ? 'step time' : 'energy per ' + kit.work(study && study.base);
  if (moving.length === 0) return 'No number changes the ' + figure + '.';
  const shown = moving.slice(0, count);
  let y = kit.begin(frame, 'Change of the ' + figure + ' when a number grows by one per cent');
  const rows =
      shown.map((e) => ({
                  label: named(e.path),
                  value: signed(of(e)) + '\u00a0%',
                  draw: (g, place) => kit.bar(g, place, 0, of(e), {fill: of(e) < 0 ? LESS : MORE}),
                  mark: {
                    key: 'elasticity-' + e.path,
                    name: named(e.path),
                    figure: explained(e.path),
                    lines: [
                      'value ' + kit.digits(e.value, 4),
                      'one per cent more changes the ' + figure + ' by ' + signed(of(e)) + ' %'
                    ]
                  },
                }));
  y = kit.legend(frame, y, [
    {name: 'more of it is less ' + (what === 'time' ? 'time' : 'energy'), fill: LESS},
    {name: 'more of it is more ' + (what === 'time' ? 'time' : 'energy'), fill: MORE}
  ]);
  y = kit.rows(frame, rows, {
    top: y,
    values: shown.map(of).concat(0),
    format: (v) => signed(v),
    title: 'change of the ' + figure + ' for one per cent more, %',
    lineAt: 0
  });
  const rest = moving.length - shown.length;
  frame.height = rest > 0 ? kit.paragraph(
                                frame, y,
                                rest + ' more change it by at most ' +
                                    signed(Math.abs(of(moving[shown.length]))) + ' %.') :
                            y;
};

// ------------------------------------------------------------------- Tricks

kit.chart('tricks', (frame, study) => {
  const named = (items) =>
      kit.items(items).map((item) => Object.assign({}, item, {name: kit.name(item.name)}));
  const all = study ? named(study.tricks) : [];
  const applies = all.filter((t) => t.applies && kit.number(t.gain, 0) > 0);
  if (applies.length === 0) return 'No trick applies to this model on this machine.';
  const stack = named(study.stack);
  const inStack = new Set(stack.map((step) => step.name));
  const reasons = new Map(named(study.left_out).map((t) => [t.name, kit.name(t.reason)]));
  let y = kit.begin(frame, 'Tricks that save energy, alone and together');
  y = kit.legend(frame, y, [
    {name: 'in the stack', fill: LESS},
    {name: 'not in the stack', fill: LESS, opacity: 0.15, stroke: LESS, dash: '3 2'}
  ]);
  const rows = [{heading: 'each alone'}].concat(
      applies.map((t) => trickRow(t, inStack.has(t.name), reasons.get(t.name))));
  // Beside each other on a slide, below each other elsewhere.
  const side = frame.width >= 1000, gap = 32;
  const width = side ? (frame.width - gap) / 2 : frame.width;
  const alone = kit.rows(frame, rows, {
    top: y,
    width,
    values: applies.map((t) => t.gain).concat(1),
    log: true,
    pad: 0.02,
    format: kit.times,
    title: 'gain: energy per token without over energy with it',
    lineAt: 1
  });
  const not = all.filter((t) => !t.applies).map((t) => t.name + ' (' + kit.name(t.reason) + ')');
  const words = not.length ? 'Does not apply: ' + not.join('; ') + '.' : '';
  const below = kit.paragraph(frame, alone + 4, words, {width});
  const place = {top: side ? y : below + 4, left: side ? width + gap : 0, width};
  const stacked = stack.length ?
      stackRows(frame, study, stack, place) :
      kit.paragraph(frame, place.top, 'No trick gains on top of the others.', {x: place.left + 2});
  frame.height = Math.max(below, stacked);
});

const trickRow = (trick, used, reason) => ({
  label: trick.name,
  value: kit.times(trick.gain) + (trick.fits === false ? ', does not fit' : ''),
  note: used || !reason ? '' : reason,
  draw: (g, place) => kit.bar(g, place, 1, trick.gain, {
    fill: LESS,
    opacity: used ? 1 : 0.15,
    stroke: used ? null : LESS,
    dash: used ? null : '3 2'
  }),
  mark: {
    key: 'trick-' + trick.name,
    name: trick.name + ': ' + kit.times(trick.gain),
    lines: [
      kit.si(trick.energy_per_token_j, 'J') + ' per token', trick.assumption, used ? '' : reason,
      trick.fits === false ? 'weights and KV cache do not fit' : ''
    ]
  },
});

const stackRows = (frame, study, stack, place) => {
  let before = 0;
  const rows = [{heading: 'together: orders of magnitude gained, energy that is left'}];
  for (const step of stack) {
    const from = before, to = kit.number(step.total_gain_orders_of_magnitude, before);
    before = to;
    const replaced = kit.list(step.excludes).map(kit.name);
    rows.push({
      label: step.name,
      value: '+' + kit.digits(to - from, 2) + ', ' + kit.si(step.energy_per_token_j, 'J'),
      note: replaced.length ? 'takes the place of ' + replaced.join(', ') : '',
      draw: (g, place) => {
        kit.vertical(g, place.x(from), place.y - 6, place.y, {color: kit.color('muted')});
        kit.bar(g, place, from, to, {fill: LESS});
      },
      mark: {
        key: 'step-' + step.name,
        name: step.name + ': ' + kit.times(step.gain) + ' more',
        lines: [
          'all so far ' + kit.times(step.total_gain) + ', ' + kit.digits(to, 2) +
              ' orders of magnitude',
          kit.si(step.energy_per_token_j, 'J') + ' per token at batch ' + kit.digits(step.batch),
          replaced.length ? 'takes the place of ' + replaced.join(', ') : '',
          step.fits === false ? 'weights and KV cache do not fit' : ''
        ]
      },
    });
  }
  const end = stack[stack.length - 1];
  rows.push({
    label: 'all',
    weight: 700,
    value: kit.times(end.total_gain),
    draw: (g, place) => kit.bar(g, place, 0, before, {fill: kit.color('ink')}),
    mark: {
      key: 'step-all',
      name: 'all together: ' + kit.times(end.total_gain),
      lines:
          [kit.si(study.energy_per_token_j, 'J') + ' become ' + kit.si(end.energy_per_token_j, 'J')]
    }
  });
  return kit.rows(
      frame, rows,
      Object.assign(
          {
            values: [0, before],
            zero: true,
            unit: '',
            title: 'gain of all so far, orders of magnitude'
          },
          place));
};

// ---------------------------------------------------------------- Waterfall

const FACTOR_WORDS = {
  BYTES: 'bytes',
  FLOP: 'operations',
  ENERGY_PER_BYTE: 'energy per byte',
  ENERGY_PER_FLOP: 'energy per operation',
  TIME: 'time',
  POWER: 'power',
  CARRIED: 'carried along',
  LOSS: 'fraction lost'
};

// Options: by, 'term' (default) or 'cause'; nameA, nameB, names of the scenarios.
kit.chart('compareWaterfall', (frame, comparison) => {
  const a = kit.number(comparison && comparison.a && comparison.a.energy_per_token_j);
  const b = kit.number(comparison && comparison.b && comparison.b.energy_per_token_j);
  if (a === undefined || b === undefined) return 'There are no two answers to compare.';
  const byCause = frame.options.by === 'cause', work = kit.work(comparison.a);
  const changes = (byCause ? causeChanges(comparison) : termChanges(comparison));
  const noise = 5e-4 * Math.max(Math.abs(a), Math.abs(b));
  const shown = changes.filter((c) => Math.abs(c.change) >= noise);
  const rest = d3.sum(changes.filter((c) => Math.abs(c.change) < noise), (c) => c.change);
  if (Math.abs(rest) >= noise)
    shown.push({label: 'smaller changes', change: rest, color: kit.color('muted'), lines: []});
  const nameA = frame.options.nameA || 'A', nameB = frame.options.nameB || 'B';
  let y = kit.begin(frame, 'From the energy per ' + work + ' of ' + nameA + ' to that of ' + nameB);
  if (byCause && shown.length)
    y = kit.legend(frame, y, [{name: 'less', fill: LESS}, {name: 'more', fill: MORE}]);
  let at = a;
  const rows = [totalRow(nameA, a, 'a')];
  const reached = [0, a, b];
  for (const c of shown) {
    const from = at;
    at += c.change;
    reached.push(at);
    rows.push(changeRow(c, from, at));
  }
  rows.push(totalRow(nameB, b, 'b'));
  y = kit.rows(
      frame, rows, {top: y, values: reached, zero: true, unit: 'J', title: 'energy per ' + work});
  if (shown.length === 0)
    y = kit.paragraph(frame, y, 'The two take the same energy per ' + work + '.');
  frame.height = y;
});

const termChanges = (comparison) => kit.items(comparison.terms).map((t) => {
  const term = kit.term(t.term);
  return {
    key: t.term,
    label: term.label,
    color: term.color,
    change: kit.number(t.change_j, 0),
    figure: term.figure,
    lines: [kit.si(t.a_j, 'J') + ' become ' + kit.si(t.b_j, 'J')].concat(
        kit.items(t.causes)
            .slice(0, 4)
            .filter(
                (c) => Math.abs(kit.number(c.change_j, 0)) >
                    0.01 * Math.abs(kit.number(t.change_j, 0)))
            .map((c) => causeName(c) + ' ' + change(c.change_j)))
  };
});

const causeName = (c) => {
  if (c.cause === 'time' && c.factor === 'TIME') return 'time that standing power is drawn';
  if (c.cause === 'time' && c.factor === 'POWER') return 'standing power itself';
  return kit.name(c.cause) + ' (' + (FACTOR_WORDS[c.factor] || 'other') + ')';
};

// What adds energy comes first, so that no sum on the way falls below zero.
const causeChanges = (comparison) => {
  const changes =
      kit.items(comparison.causes).map((c) => ({
                                         key: kit.name(c.cause) + ' ' + kit.name(c.factor),
                                         label: causeName(c),
                                         change: kit.number(c.change_j, 0),
                                         color: c.change_j < 0 ? LESS : MORE,
                                         lines: [],
                                       }));
  return changes.sort(
      (a, b) => (b.change > 0) - (a.change > 0) || Math.abs(b.change) - Math.abs(a.change));
};

const change = (joules) => (joules > 0 ? '+' : '') + kit.si(joules, 'J');

const totalRow = (name, joules, key) => ({
  label: name,
  weight: 700,
  value: kit.si(joules, 'J'),
  draw: (g, place) => kit.bar(g, place, 0, joules, {fill: kit.color('ink')}),
  mark: {key: 'total-' + key, name: name + ': ' + kit.si(joules, 'J'), lines: []},
});

const changeRow = (c, from, to) => ({
  label: c.label,
  value: change(c.change),
  draw: (g, place) => {
    kit.vertical(g, place.x(from), place.y - 6, place.y, {color: kit.color('muted')});
    kit.bar(g, place, from, to, {fill: c.color});
  },
  mark: {
    key: 'change-' + (c.key || c.label),
    name: c.label + ': ' + change(c.change),
    figure: c.figure,
    lines: c.lines
  },
});
})();
