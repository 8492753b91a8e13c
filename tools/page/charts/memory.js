// What fills a machine's memory, and the step by operator.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// Colours of what lies in memory: weights from blue to green, the rest apart. Parts of
// networks of layers are never beside those of language models.
const PARTS = [
  ['attention', 'dram-column'],
  ['mlp', 'dram-phy'],
  ['experts', 'sram'],
  ['shared experts', 'link'],
  ['router', 'dram-activate'],
  ['state space', 'dac'],
  ['norms', 'array-write'],
  ['LM head', 'on-chip-network'],
  ['embedding', 'dram-background'],
  ['draft', 'adc'],
  ['convolution', 'dram-column'],
  ['depthwise', 'dram-phy'],
  ['fully connected', 'sram'],
  ['pooling', 'on-chip-network'],
  ['residual add', 'link'],
  ['KV cache', 'static'],
  ['recurrent state', 'host'],
  ['idle cells of arrays', 'facility'],
];
const colors = new Map(PARTS.map(([name, color]) => [name, kit.color(color)]));
const colorOf = (name) => colors.get(name) || kit.color('compute');

// The places that hold data: the chips of an answer together, or each machine.
const placesOf = (report) => {
  const placed = kit.items(report.placement).filter((p) => kit.number(p.held_bytes, 0) > 0);
  const machines = kit.items(report.machines).filter((m) => kit.number(m.usable_bytes, 0) > 0);
  if (machines.length > 1 && placed.length) {
    return machines.map((m) => ({
                          name: kit.name(m.machine),
                          role: m.role === 'device' || typeof m.role !== 'string' ? '' : m.role,
                          usable: m.usable_bytes,
                          items: placed.filter((p) => p.machine === m.machine)
                                     .map((p) => ({name: kit.name(p.data), bytes: p.held_bytes}))
                        }));
  }
  const chips = Math.max(1, kit.number(report.num_chips, 1));
  const used = kit.number(report.memory_used_bytes, 0) / chips;
  const items = kit.items(report.parts)
                    .filter((p) => kit.number(p.held_bytes, 0) > 0)
                    .map((p) => ({name: kit.name(p.part), bytes: p.held_bytes / chips}));
  const batch = kit.number(report.scenario && report.scenario.batch, 1);
  const state = (kit.number(report.state_bytes_per_sequence, 0) * batch) / chips;
  const idle = kit.number(report.idle_array_bytes, 0) / chips;
  const rest = used - d3.sum(items, (item) => item.bytes) - idle;
  // What is used beyond weights is the cache, with its copies, and the state.
  const kept = Math.min(state, Math.max(0, rest));
  if (rest - kept > 1e-6 * used) items.push({name: 'KV cache', bytes: rest - kept});
  if (kept > 0) items.push({name: 'recurrent state', bytes: kept});
  if (idle > 0) items.push({name: 'idle cells of arrays', bytes: idle});
  return [{
    name: chips > 1 ? 'each of ' + chips + ' chips' : kit.name(report.hardware),
    role: '',
    usable: kit.number(report.memory_usable_bytes, 0) / chips,
    items
  }];
};

kit.chart('memoryMap', (frame, report) => {
  if (!report) return 'There is no answer.';
  const places = placesOf(report).filter((place) => place.items.length || place.usable > 0);
  if (places.length === 0) return 'This answer holds nothing in memory.';
  let y = kit.begin(frame, 'What fills the memory');
  const held = (place) => d3.sum(place.items, (item) => item.bytes);
  const names = [...new Set(places.flatMap((place) => place.items.map((item) => item.name)))];
  const most = d3.max(places, (place) => Math.max(held(place), place.usable));
  const rows = places.map((place) => placeRow(place, held(place)));
  y = kit.rows(frame, rows, {top: y, values: [0, most], zero: true, unit: 'B', title: 'bytes'});
  y = kit.legend(
      frame, y + 2,
      names.map(
          (name) => ({
            name: name +
                (places.length === 1 ? ' ' +
                         kit.si(
                             d3.sum(places[0].items.filter((i) => i.name === name), (i) => i.bytes),
                             'B') :
                                       ''),
            fill: colorOf(name)
          })));
  frame.height = kit.paragraph(frame, y, memoryWords(report, places, held));
});

const placeRow = (place, held) => {
  const over = held - place.usable;
  const status = over > 0 ? kit.si(over, 'B') + ' too much' : kit.si(-over, 'B') + ' left';
  return {
    label: place.name + (place.role && place.role !== 'device' ? ' (' + place.role + ')' : ''),
    value: status,
    weight: over > 0 ? 700 : 400,
    draw: (g, where) => {
      const p = Object.assign({}, where, {height: where.height * 1.25});
      kit.bar(g, p, 0, place.usable, {fill: kit.color('grid'), opacity: 0.6});
      let at = 0;
      for (const item of place.items) {
        kit.bar(
            g, p, at, at + item.bytes, {fill: colorOf(item.name), stroke: kit.color('surface')});
        at += item.bytes;
      }
      kit.vertical(g, where.x(place.usable), where.y - 4, where.y + where.height + 4, {width: 2.5});
    },
    mark: {
      key: 'place-' + place.name,
      name: place.name + ': ' + kit.si(held, 'B') + ' of ' + kit.si(place.usable, 'B') +
          ' that can be used',
      figure: 'max_batch',
      lines: place.items.map((item) => item.name + ' ' + kit.si(item.bytes, 'B')).concat(status)
    },
  };
};

// The largest batch of a model that keeps nothing per sequence.
const NO_LIMIT = 2147483647;

const memoryWords = (report, places, held) => {
  const words = ['The line is what can be used.'];
  if (report.fits === false) words.unshift('It does not fit.');
  const most = kit.number(report.max_batch);
  if (most >= NO_LIMIT)
    words.push('Memory does not limit the batch.');
  else if (most > 0)
    words.push('Largest batch that fits: ' + kit.digits(most, 7) + '.');
  else if (most === 0)
    words.push('Even the weights do not fit.');
  if (kit.number(report.kv_bytes_per_sequence, 0) > 0) {
    words.push('KV cache per sequence: ' + kit.si(report.kv_bytes_per_sequence, 'B') + '.');
  }
  return words.join(' ');
};

// ------------------------------------------------------------------- Layers

const COLUMNS = [
  {key: 'name', title: 'operator', of: (op) => kit.name(op.name), first: 'ascending'},
  {key: 'count', title: 'runs', of: (op) => kit.number(op.count, 0), wide: true},
  {
    key: 'time',
    title: 'time per step',
    of: (op) => kit.number(op.time_s, 0),
    unit: 's',
    bar: 'static',
    total: (r) => r.step_time_s
  },
  {
    key: 'energy',
    title: 'dynamic energy per step',
    of: (op) => kit.number(op.energy_j, 0),
    unit: 'J',
    bar: 'dram-column'
  },
  {
    key: 'bytes',
    title: 'weights and KV',
    of: (op) => kit.number(op.weight_bytes, 0) + kit.number(op.kv_bytes, 0),
    unit: 'B',
    wide: true
  },
  {key: 'flop', title: 'FLOP', of: (op) => kit.number(op.flop, 0), unit: 'FLOP', wide: true},
  {key: 'bound', title: 'limited by', of: (op) => kit.bound(op.bound).label, first: 'ascending'},
];

// A table of operators with bars, sorted by a click on a heading. Options: sort,
// { key, descending }; onSort({ key, descending }).
kit.chart('layers', (frame, report) => {
  const ops = report ? kit.items(report.operators) : [];
  if (ops.length === 0) return 'This answer has no operators.';
  const columns = COLUMNS.filter((column) => !column.wide || frame.width >= 760);
  const sort = frame.options.sort || {key: 'time', descending: true};
  const by = COLUMNS.find((column) => column.key === sort.key) || COLUMNS[2];
  const sorted = ops.slice().sort(
      (a, b) => (sort.descending ? d3.descending : d3.ascending)(by.of(a), by.of(b)) ||
          d3.ascending(kit.name(a.name), kit.name(b.name)));
  const table = d3.select(frame.host).append('table').attr('class', 'tj-table');
  table.append('caption').text(
      'Operators of a step of ' + kit.si(report.step_time_s, 's') + '. Energies are of ' +
      'the chip alone, without standing power.');
  const head = table.append('thead').append('tr');
  for (const column of columns) heading(frame, head, column, sort);
  const most =
      new Map(columns.map((column) => [column.key, column.bar ? d3.max(ops, column.of) : 0]));
  const body = table.append('tbody');
  for (const op of sorted) {
    const row = body.append('tr');
    for (const column of columns) cell(row, op, column, most.get(column.key));
  }
});

const heading = (frame, head, column, sort) => {
  const active = sort.key === column.key;
  const th =
      head.append('th')
          .attr('scope', 'col')
          .attr(
              'class',
              column.unit || column.key === 'count' ? (column.bar ? null : 'tj-number') : null)
          .attr('aria-sort', active ? (sort.descending ? 'descending' : 'ascending') : null);
  th.append('button')
      .attr('type', 'button')
      .attr('data-key', 'sort-' + column.key)
      .text(column.title + (active ? (sort.descending ? ' \u25be' : ' \u25b4') : ''))
      .on('click', () => {
        const next = {
          key: column.key,
          descending: active ? !sort.descending : column.first !== 'ascending'
        };
        frame.redraw({sort: next});
        const again = frame.host.querySelector('[data-key="sort-' + column.key + '"]');
        if (again) again.focus();
        if (frame.options.onSort) frame.options.onSort(next);
      });
};

const cell = (row, op, column, most) => {
  if (column.key === 'name') {
    const th = row.append('th').attr('scope', 'row').style('font-weight', 400);
    // Long names break after their parts.
    for (const part of column.of(op).split(/(?<=[._])/)) {
      th.append('span').text(part);
      th.append('wbr');
    }
    return;
  }
  const td = row.append('td');
  if (column.key === 'bound') {
    const bound = kit.bound(op.bound);
    td.append('span')
        .attr('class', 'tj-badge')
        .style('border-color', bound.color)
        .text(bound.label);
    return;
  }
  const value = column.of(op);
  td.text(column.key === 'count' ? kit.digits(value, 6) : kit.si(value, column.unit));
  if (!column.bar) {
    td.attr('class', 'tj-number');
    return;
  }
  td.append('span')
      .attr('class', 'tj-inline-bar')
      .style('background', kit.color(column.bar))
      .style('width', (most > 0 ? kit.round((100 * value) / most) : 0) + '%');
};
})();
