// Rooflines of time and of energy: what a machine's rates and energies allow at
// each arithmetic intensity, and where the step and its operators lie.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

const log = {
  log: true
};

// The roofline of an answer, if it has one whose numbers a logarithmic axis shows.
const roofs = (report) => {
  const roof = report && report.roofline;
  if (!roof || !(kit.number(roof.bandwidth_bytes_per_s, 0) > 0) ||
      !(kit.number(roof.peak_flop_per_s, 0) > 0))
    return null;
  return roof;
};

// Intensity above which the engine is slower than the memory, FLOP/byte.
const ridgeOf = (roof) => roof.peak_flop_per_s / roof.bandwidth_bytes_per_s;

// Operators with FLOP and bytes as points; those without FLOP have no place.
const points = (report) =>
    kit.items(report.operators).filter((op) => kit.number(op.flop, 0) > 0).map((op) => {
      const bytes = kit.number(op.weight_bytes, 0) + kit.number(op.kv_bytes, 0);
      return {
        op,
        bytes,
        flop: op.flop,
        time: kit.number(op.time_s, 0),
        energy: kit.number(op.energy_j, 0),
        intensity: bytes > 0 ? op.flop / bytes : Infinity
      };
    });

const shortName = (name) => kit.name(name).replace(/^full\./, '');

const operatorLines = (p) =>
    [kit.si(p.flop, 'FLOP') + ' and ' + kit.si(p.bytes, 'B') + ' of weights and KV cache per step',
     p.bytes > 0 ? kit.digits(p.intensity) + ' FLOP/byte' : 'no bytes of weights or KV cache',
     kit.si(p.time, 's') + ' per step, limited by ' + kit.bound(p.op.bound).label,
     kit.si(p.energy, 'J') + ' of dynamic energy per step',
];

const without = (report) => kit.items(report.operators)
                                .filter((op) => !(kit.number(op.flop, 0) > 0))
                                .map((op) => shortName(op.name));

const stepOf = (report) => ({
  intensity: kit.number(report.arithmetic_intensity_flop_per_byte, 0),
  flopPerS: kit.number(report.flop_per_token, 0) * kit.number(report.tokens_per_s, 0),
  flop: kit.number(report.flop_per_token, 0),
});

const line = (plot, ends) => ends.map(([x, y]) => [plot.x(x), plot.y(y)]);

const NO_ROOF =
    'This answer has no roofline: its machine states no rate of its memory or of its engines.';

// --------------------------------------------------------------------- Time

kit.chart('roofline', (frame, report) => {
  const roof = roofs(report);
  if (!roof) return NO_ROOF;
  const bandwidth = roof.bandwidth_bytes_per_s, peak = roof.peak_flop_per_s, ridge = ridgeOf(roof);
  const ops = points(report), step = stepOf(report);
  const placed = ops.filter((p) => Number.isFinite(p.intensity) && p.time > 0);
  const xs = placed.map((p) => p.intensity).concat(step.intensity, ridge / 30, ridge * 8);
  const [low, high] = d3.extent(xs.filter((x) => x > 0));
  const ys = placed.map((p) => p.flop / p.time)
                 .concat(step.flopPerS, peak, Math.min(peak, bandwidth * low));
  let y = kit.begin(frame, 'Roofline: rate against arithmetic intensity');
  const plot = kit.plot(frame, {
    top: y,
    height: height(frame),
    x: Object.assign(
        {values: [low, high], unit: '', title: 'arithmetic intensity, FLOP/byte'}, log),
    y: Object.assign({values: ys, unit: 'FLOP/s', title: 'rate', pad: 0.08}, log)
  });
  const [x0, x1] = plot.x.domain(), bottom = plot.y.domain()[0];
  const start = Math.max(x0, bottom / bandwidth);
  const roofPath = line(plot, [[start, bandwidth * start], [ridge, peak], [x1, peak]]);
  kit.path(plot.body, roofPath, {width: 2.5});
  const items = [
    {
      x: plot.x(Math.sqrt(start * ridge)),
      y: plot.y(bandwidth * Math.sqrt(start * ridge)),
      r: 1,
      weight: 600,
      text: kit.name(roof.memory) + ', ' + kit.si(bandwidth, 'B/s')
    },
    {
      x: plot.x(ridge) + 4,
      y: plot.y(peak),
      r: 1,
      weight: 600,
      text: kit.name(roof.engine) + ' ' + kit.name(roof.formats) + ', ' + kit.si(peak, 'FLOP/s')
    },
  ];
  drawPoints(frame, plot, placed, (p) => p.flop / p.time, items);
  drawStep(frame, plot, step.intensity, step.flopPerS, report, items, [
    kit.si(step.flopPerS, 'FLOP/s') + ' at ' + kit.digits(step.intensity) + ' FLOP/byte',
    'limited by ' + kit.bound(report.bound).label
  ]);
  kit.labels(plot.body, frame, items, plot.area, [], [roofPath]);
  frame.height = legend(frame, report, ops, plot.bottom);
});

const height = (frame) => Math.max(240, Math.min(frame.width * (frame.narrow ? 0.85 : 0.5), 640));

// Points sized by the share of the step's time, coloured by what binds them.
const drawPoints = (frame, plot, placed, valueOf, items) => {
  const most = d3.max(placed, (p) => p.time) || 1;
  const r = (p) => Math.max(3, Math.sqrt(p.time / most) * frame.font * 0.95);
  const sorted = placed.slice().sort((a, b) => b.time - a.time);
  for (const p of sorted) {
    const x = plot.x(p.intensity), y = plot.y(valueOf(p));
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const mark =
        kit.disc(plot.body, x, y, r(p), kit.bound(p.op.bound).color).attr('fill-opacity', 0.75);
    kit.mark(
        frame, mark, {key: 'op-' + p.op.name, name: kit.name(p.op.name), lines: operatorLines(p)});
    near(items, x, y, r(p)).push(shortName(p.op.name));
  }
};

// The texts of the item at a place; operators that lie on each other share one.
const near = (items, x, y, r) => {
  const same = items.find(
      (item) =>
          Array.isArray(item.text) && Math.hypot(item.x - x, item.y - y) < Math.max(item.r, 6));
  if (same) return same.text;
  items.push({x, y, r, text: []});
  return items[items.length - 1].text;
};

const drawStep = (frame, plot, intensity, value, report, items, lines) => {
  if (!(intensity > 0) || !(value > 0)) return;
  const x = plot.x(intensity), y = plot.y(value), r = frame.font * 0.65;
  const mark = kit.diamond(plot.body, x, y, r, kit.color('ink'));
  kit.mark(frame, mark, {
    key: 'step',
    plain: true,
    name: 'the whole step',
    figure: 'arithmetic_intensity_flop_per_byte',
    lines
  });
  items.push({x, y, r, text: 'whole step', weight: 700});
};

const legend = (frame, report, ops, top) => {
  const bounds = [...new Set(ops.map((p) => p.op.bound))];
  const entries =
      bounds.map((name) => ({
                   name: 'operator limited by ' + kit.bound(name).label,
                   draw: (g, x, y, box) => kit.disc(g, x, y, box / 2, kit.bound(name).color)
                 }));
  let y = kit.legend(frame, top + 2, entries);
  const words = ['Larger points take more of the step\u2019s time.'];
  const endless = ops.filter((p) => !Number.isFinite(p.intensity)).map((p) => shortName(p.op.name));
  if (endless.length)
    words.push('Without bytes of weights or KV cache: ' + endless.join(', ') + '.');
  const none = without(report);
  if (none.length) words.push('Without matrix products: ' + none.join(', ') + '.');
  return kit.paragraph(frame, y, words.join(' '));
};

// ------------------------------------------------------------------- Energy

// What a FLOP takes at an intensity, in parts: bytes, products, and the power that is
// drawn for as long as the slower of the two takes.
const energyParts = (roof) => {
  const byte = kit.number(roof.energy_per_byte_j, 0), flop = kit.number(roof.energy_per_flop_j, 0);
  const power = kit.number(roof.standing_power_w, 0);
  const seconds = (x) => Math.max(1 / roof.peak_flop_per_s, 1 / (roof.bandwidth_bytes_per_s * x));
  return [
    {name: 'bytes', color: kit.color('dram-column'), at: (x) => byte / x, label: 0.12},
    {name: 'FLOP', color: kit.color('compute'), at: () => flop, label: 0.9},
    {name: 'standing power', color: kit.color('static'), at: (x) => power * seconds(x), label: 0.7},
  ].filter((part) => part.at(1) > 0);
};

kit.chart('energyRoofline', (frame, report) => {
  const roof = roofs(report);
  if (!roof) return NO_ROOF;
  const parts = energyParts(roof);
  if (parts.length === 0) return 'This answer has no energy per byte or FLOP at this boundary.';
  const all = {name: 'sum', at: (x) => d3.sum(parts, (part) => part.at(x)), label: 0.42};
  const ops = points(report), step = stepOf(report);
  const placed = ops.filter((p) => Number.isFinite(p.intensity) && p.energy > 0);
  const whole = step.flop > 0 ? kit.number(report.energy_per_token_j, 0) / step.flop : 0;
  const top = kit.begin(frame, 'Energy roofline: energy per FLOP against arithmetic intensity');
  const plot = energyPlot(frame, roof, [all].concat(parts), placed, {step, whole, top});
  const items = [], paths = drawParts(frame, plot, roof, all, parts, items);
  drawBalance(frame, plot, kit.number(roof.balance_point_flop_per_byte, 0), items);
  drawPoints(frame, plot, placed, (p) => p.energy / p.flop, items);
  drawStep(frame, plot, step.intensity, whole, report, items, [
    kit.si(whole, 'J/FLOP') + ' at ' + kit.digits(step.intensity) + ' FLOP/byte',
    'boundary: ' + kit.boundaryName(kit.boundOf(report))
  ]);
  kit.labels(plot.body, frame, items, plot.area, [], paths);
  frame.height = kit.paragraph(
      frame, legend(frame, report, ops, plot.bottom),
      'Points of operators have dynamic energy only; the whole step has all of the boundary.');
});

// Axes that hold the operators, the step, the balance point and the ridge; parts that
// are far below their sum leave the chart.
const energyPlot = (frame, roof, [all, ...parts], placed, {step, whole, top}) => {
  const ridge = ridgeOf(roof), balance = kit.number(roof.balance_point_flop_per_byte, 0);
  const xs = placed.map((p) => p.intensity)
                 .concat(step.intensity, ridge / 30, ridge * 8, balance / 4, balance * 4);
  const [low, high] = d3.extent(xs.filter((x) => x > 0));
  const least = Math.max(d3.min(parts, (part) => part.at(high)), all.at(high) / 30);
  const ys = placed.map((p) => p.energy / p.flop).concat(whole, all.at(low), least);
  return kit.plot(frame, {
    top,
    height: height(frame),
    x: Object.assign(
        {values: [low, high], unit: '', title: 'arithmetic intensity, FLOP/byte'}, log),
    y: Object.assign({values: ys, unit: 'J/FLOP', title: 'energy per FLOP', pad: 0.06}, log)
  });
};

// The sum and its parts as curves with their names; returns their paths.
const drawParts = (frame, plot, roof, all, parts, items) => {
  const [x0, x1] = plot.x.domain(), bottom = plot.y.domain()[0], ridge = ridgeOf(roof);
  const xs = d3.range(0, 81)
                 .map((i) => x0 * Math.pow(x1 / x0, i / 80))
                 .concat(ridge > x0 && ridge < x1 ? ridge : [])
                 .sort(d3.ascending);
  return [all].concat(parts).map((part) => {
    const path = xs.filter((x) => part.at(x) >= bottom).map((x) => [plot.x(x), plot.y(part.at(x))]);
    if (path.length < 2) return [];
    kit.path(
        plot.body, path, part === all ? {width: 2.5} : {color: part.color, width: 2, dash: '6 3'});
    const [x, y] = path[Math.min(path.length - 1, Math.floor(path.length * part.label))];
    items.push({x, y, r: 1, text: part.name, weight: 600});
    return path;
  });
};

const drawBalance = (frame, plot, balance, items) => {
  const [low, high] = plot.x.domain(), {top, bottom} = plot.area;
  if (!(balance > low) || !(balance < high)) return;
  const x = plot.x(balance);
  kit.vertical(plot.body, x, top, bottom, {color: kit.color('muted'), dash: '2 3'});
  const text = 'balance ' + kit.digits(balance) + ' FLOP/byte';
  items.push({x, y: bottom - frame.font, r: 1, text});
};
})();
