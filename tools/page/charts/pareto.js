// Throughput and energy against the speed that each user sees.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// A row as a point: speed that one user sees, throughput of a chip, energy.
const served = (row) => {
  const batch = kit.batchOf(row), all = kit.number(row.tokens_per_s, 0);
  return {
    row,
    batch,
    speed: all / batch,
    throughput: all / Math.max(1, kit.number(row.num_chips, 1)),
    energy: kit.number(row.energy_per_token_j, 0),
    low: row.energy_per_token_j_low,
    high: row.energy_per_token_j_high,
    fits: row.fits !== false
  };
};

// Points that no other is better than in both speed and value.
const front = (points, better) => {
  const sorted = points.slice().sort((a, b) => b.speed - a.speed || better(a, b));
  const kept = [];
  for (const p of sorted) {
    if (kept.length === 0 || better(p, kept[kept.length - 1]) < 0) kept.push(p);
  }
  return kept;
};

// Options: limitMs, most time per token; onLimit(ms) makes it a handle that can be
// dragged (null: no limit); log: logarithmic speed.
kit.chart('pareto', (frame, study) => {
  const series = kit.seriesOf(study);
  const names = kit.nameSeries(series), strokes = kit.strokesOf(series, names);
  const all = series
                  .map((s, i) => ({
                         name: names[i],
                         stroke: strokes[i],
                         points: s.rows.map(served).filter(
                             (p) => p.speed > 0 && p.throughput > 0 && p.energy > 0)
                       }))
                  .filter((s) => s.points.length);
  if (all.length === 0) return 'There is no batch to draw.';
  const work = kit.work(series[0].rows[0]), limit = kit.number(frame.options.limitMs, 0);
  const spec = {all, work, slowest: limit > 0 ? 1e3 / limit : 0};
  const top = kit.legend(
      frame, kit.begin(frame, 'Throughput and energy against speed per user'), entries(all));
  const bottom = drawPanels(frame, spec, top);
  frame.height = kit.paragraph(frame, bottom, limitWords(frame, spec));
});

const entries = (all) => {
  const shown =
      all.length > 1 ? all.map((s) => ({name: s.name, draw: kit.lineSwatch(s.stroke)})) : [];
  shown.push({
    name: 'Pareto front',
    draw: kit.lineSwatch({color: kit.color('muted'), width: 6, opacity: 0.35})
  });
  if (all.some((s) => s.points.some((p) => !p.fits))) {
    shown.push({
      name: 'does not fit in memory',
      draw: (g, x, y, box) => kit.disc(g, x, y, box * 0.45, kit.color('muted'), true)
    });
  }
  return shown;
};

const panelsOf = (work) =>
    [{
      key: 'throughput',
      title: 'throughput per chip, ' + work + 's/s',
      unit: '',
      value: (p) => p.throughput,
      better: (a, b) => b.throughput - a.throughput,
      log: false
    },
     {
       key: 'energy',
       title: 'energy per ' + work,
       unit: 'J',
       value: (p) => p.energy,
       better: (a, b) => a.energy - b.energy,
       log: true
     },
];

const valueAxis = (all, panel) => ({
  values: all.flatMap((s) => s.points.map(panel.value)),
  log: panel.log,
  unit: panel.unit,
  title: panel.title
});

// Beside each other, or below each other on the same axis of speeds.
const drawPanels = (frame, spec, top) => {
  const panels = panelsOf(spec.work), gap = 24, side = frame.width >= 1000;
  const width = side ? (frame.width - gap) / 2 : frame.width;
  const height = Math.max(200, Math.min(width * 0.6, 520));
  if (side) {
    return d3.max(
        panels,
        (panel, i) => drawPanel(frame, spec, panel, {top, left: i * (width + gap), width, height}));
  }
  const labels =
      d3.max(panels, (panel) => kit.labelRoom(frame, valueAxis(spec.all, panel), height));
  return panels.reduce(
      (y, panel) => drawPanel(frame, spec, panel, {top: y, left: 0, width, height, labels}) + 8,
      top);
};

const drawPanel = (frame, spec, panel, place) => {
  const {all, work, slowest} = spec;
  const points = all.flatMap((s) => s.points);
  const plot = kit.plot(
      frame,
      Object.assign(
          {
            x: {
              values: points.map((p) => p.speed),
              log: frame.options.log,
              unit: '',
              title: 'speed per user, ' + work + 's/s'
            },
            y: valueAxis(all, panel)
          },
          place));
  const xy = (p) => [plot.x(p.speed), plot.y(panel.value(p))];
  const best = front(points.filter((p) => p.fits && p.speed >= slowest), panel.better);
  if (best.length > 1) {
    kit.path(
        plot.body, best.map(xy),
        {color: kit.color('muted'), width: frame.font * 0.7, opacity: 0.3, cap: 'round'});
  }
  for (const s of all) {
    kit.path(plot.body, s.points.map(xy), {color: s.stroke.color, width: 2, dash: s.stroke.dash});
  }
  // Where points are many, those of the front are named.
  const crowded = points.length * frame.font * 3.5 > place.width;
  const items = [];
  for (const s of all) {
    s.points.forEach((p, i) => {
      const [x, y] = xy(p), first = i === 0 || p === best[0] || p === best[best.length - 1];
      drawBatch(frame, plot, spec, panel, s, p, [x, y]);
      const text = (first ? 'batch ' : '') + kit.digits(p.batch, 6);
      items.push(
          {x, y, r: frame.font * 0.33, near: true, text: crowded && !best.includes(p) ? '' : text});
    });
  }
  kit.limit(frame, plot, {key: panel.key, slowest, work});
  const taken = [];
  if (slowest > 0) {
    const {left, right, top, bottom} = plot.area;
    const x = Math.max(left, Math.min(plot.x(slowest), right));
    taken.push({left: x - 4, right: x + 4, top, bottom});
    items.unshift({
      x,
      y: top + frame.small,
      r: 4,
      weight: 600,
      text: kit.si(1 / slowest, 's') + ' per ' + work
    });
  }
  kit.labels(plot.body, frame, items, plot.area, taken, all.map((s) => s.points.map(xy)));
  return plot.bottom;
};

const drawBatch = (frame, plot, {work, slowest}, panel, s, p, [x, y]) => {
  const late = p.speed < slowest;
  const mark = kit.disc(plot.body, x, y, frame.font * 0.33, s.stroke.color, !p.fits)
                   .attr('opacity', late ? 0.4 : null);
  kit.mark(frame, mark, {
    key: panel.key + '-' + s.name + '-' + p.batch,
    name: (s.name ? s.name + ', ' : '') + 'batch ' + kit.digits(p.batch, 6),
    lines: [
      kit.digits(p.speed) + ' ' + work + 's/s per user, ' + kit.si(1 / p.speed, 's') + ' per ' +
          work,
      kit.digits(p.throughput) + ' ' + work + 's/s per chip',
      kit.range(p.energy, p.low, p.high, 'J') + ' per ' + work,
      p.fits ? '' : 'does not fit in memory', late ? 'slower than the limit' : ''
    ]
  });
};

const limitWords = (frame, spec) => {
  const {work, slowest} = spec;
  if (slowest > 0) {
    return 'Limit: at most ' + kit.si(1 / slowest, 's') + ' per ' + work + ', at least ' +
        kit.digits(slowest) + ' ' + work + 's/s per user. ' + withinWords(spec);
  }
  return frame.options.onLimit ?
      'Drag the line at the left, or use its arrow keys, to limit the time per ' + work + '.' :
      '';
};

const withinWords = ({all, work, slowest}) => {
  const within = all.flatMap(
      (s) => s.points.filter((p) => p.fits && p.speed >= slowest - 1e-9).map((p) => ({s, p})));
  if (within.length === 0) return 'No batch that fits meets it.';
  const best = within.reduce((a, b) => (b.p.energy < a.p.energy ? b : a));
  return 'Least energy within it: ' + (best.s.name ? best.s.name + ', ' : '') + 'batch ' +
      kit.digits(best.p.batch, 6) + ', ' + kit.si(best.p.energy, 'J') + ' per ' + work + '.';
};
})();
