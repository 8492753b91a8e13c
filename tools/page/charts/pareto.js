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
                         points: s.rows.map(served).filter((p) => p.speed > 0 && p.throughput > 0)
                       }))
                  .filter((s) => s.points.length);
  if (all.length === 0) return 'There is no batch to draw.';
  const work = kit.work(series[0].rows[0]);
  let y = kit.begin(frame, 'Throughput and energy against speed per user');
  const hollow = all.some((s) => s.points.some((p) => !p.fits));
  const entries =
      all.length > 1 ? all.map((s) => ({name: s.name, draw: kit.lineSwatch(s.stroke)})) : [];
  entries.push({
    name: 'Pareto front',
    draw: kit.lineSwatch({color: kit.color('muted'), width: 6, opacity: 0.35})
  });
  if (hollow)
    entries.push({
      name: 'does not fit in memory',
      draw: (g, x, at, box) => kit.disc(g, x, at, box * 0.45, kit.color('muted'), true)
    });
  y = kit.legend(frame, y, entries);
  const side = frame.width >= 1000;
  const half = side ? (frame.width - 24) / 2 : frame.width;
  const panels = [
    {
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
  let bottom = y;
  // Panels below each other share their axis of speeds.
  const height = Math.max(200, Math.min(half * 0.6, 520));
  const labels =
      side ? 0 : d3.max(panels, (panel) => kit.labelRoom(frame, valueAxis(all, panel), height));
  panels.forEach((panel, i) => {
    const top = side ? y : bottom + (i ? 8 : 0);
    const left = side ? i * (half + 24) : 0;
    bottom = Math.max(
        side ? bottom : 0,
        paretoPanel(frame, all, panel, work, {top, left, width: half, height, labels}));
  });
  const limit = kit.number(frame.options.limitMs);
  frame.height = kit.paragraph(
      frame, bottom,
      limit > 0 ?
          'Limit: at most ' + kit.si(limit / 1e3, 's') + ' per ' + work + ', at least ' +
              kit.digits(1e3 / limit) + ' ' + work + 's/s per user. ' +
              withinWords(all, limit, work) :
          frame.options.onLimit ?
          'Drag the line at the left, or use its arrow keys, to limit the time per ' + work + '.' :
          '');
});

const withinWords = (all, limit, work) => {
  const within = all.flatMap(
      (s) => s.points.filter((p) => p.fits && p.speed >= 1e3 / limit - 1e-9).map((p) => ({s, p})));
  if (within.length === 0) return 'No batch that fits meets it.';
  const best = within.reduce((a, b) => (b.p.energy < a.p.energy ? b : a));
  return 'Least energy within it: ' + (best.s.name ? best.s.name + ', ' : '') + 'batch ' +
      kit.digits(best.p.batch, 6) + ', ' + kit.si(best.p.energy, 'J') + ' per ' + work + '.';
};

const valueAxis = (all, panel) => ({
  values: all.flatMap((s) => s.points.map(panel.value)),
  log: panel.log,
  unit: panel.unit,
  title: panel.title
});

const paretoPanel = (frame, all, panel, work, place) => {
  const points = all.flatMap((s) => s.points);
  const plot = kit.plot(frame, {
    top: place.top,
    left: place.left,
    width: place.width,
    height: place.height,
    labels: place.labels,
    x: {
      values: points.map((p) => p.speed),
      log: frame.options.log,
      unit: '',
      title: 'speed per user, ' + work + 's/s'
    },
    y: valueAxis(all, panel)
  });
  const xy = (p) => [plot.x(p.speed), plot.y(panel.value(p))];
  const limit = kit.number(frame.options.limitMs), slowest = limit > 0 ? 1e3 / limit : 0;
  const usable = points.filter((p) => p.fits && p.speed >= slowest);
  const best = front(usable, panel.better), hull = best.map(xy);
  // Where points are many, those of the front are named.
  const crowded = points.length * frame.font * 55 > place.width * 16;
  if (hull.length > 1) {
    kit.path(
        plot.body, hull,
        {color: kit.color('muted'), width: frame.font * 0.7, opacity: 0.3, cap: 'round'});
  }
  const items = [], lines = [];
  for (const s of all) {
    const path = s.points.map(xy);
    lines.push(path);
    kit.path(plot.body, path, {color: s.stroke.color, width: 2, dash: s.stroke.dash});
  }
  for (const s of all) {
    s.points.forEach((p, i) => {
      const [x, y] = xy(p), late = p.speed < slowest;
      const mark = kit.disc(plot.body, x, y, frame.font * 0.33, s.stroke.color, !p.fits)
                       .attr('opacity', late ? 0.4 : null);
      const name = (s.name ? s.name + ', ' : '') + 'batch ' + kit.digits(p.batch, 6);
      kit.mark(frame, mark, {
        key: panel.key + '-' + s.name + '-' + p.batch,
        name,
        lines: [
          kit.digits(p.speed) + ' ' + work + 's/s per user, ' + kit.si(1 / p.speed, 's') + ' per ' +
              work,
          kit.digits(p.throughput) + ' ' + work + 's/s per chip',
          kit.range(p.energy, p.low, p.high, 'J') + ' per ' + work,
          p.fits ? '' : 'does not fit in memory', late ? 'slower than the limit' : ''
        ]
      });
      items.push({
        x,
        y,
        r: frame.font * 0.33,
        near: true,
        text: crowded && !best.includes(p) ?
            '' :
            (p === best[0] || p === best[best.length - 1] || i === 0 ? 'batch ' : '') +
                kit.digits(p.batch, 6)
      });
    });
  }
  drawLimit(frame, plot, panel, slowest, work);
  const taken = [];
  if (slowest > 0) {
    const x = Math.max(plot.area.left, Math.min(plot.x(slowest), plot.area.right));
    taken.push({left: x - 4, right: x + 4, top: plot.area.top, bottom: plot.area.bottom});
    items.unshift({
      x,
      y: plot.area.top + frame.small,
      r: 4,
      weight: 600,
      text: kit.si(1 / slowest, 's') + ' per ' + work
    });
  }
  kit.labels(plot.body, frame, items, plot.area, taken, lines);
  return plot.bottom;
};

// The limit as a line with a handle: by pointer, and by arrow keys in steps of
// five per cent; Home removes it.
const drawLimit = (frame, plot, panel, slowest, work) => {
  const onLimit = frame.options.onLimit;
  if (!(slowest > 0) && !onLimit) return;
  const [x0, x1] = plot.x.range();
  const at = kit.round(Math.max(x0, Math.min(slowest > 0 ? plot.x(slowest) : x0, x1)));
  const {top, bottom} = plot.area;
  if (at > x0) {
    plot.body.append('rect')
        .attr('x', kit.round(x0))
        .attr('y', kit.round(top))
        .attr('width', kit.round(at - x0))
        .attr('height', kit.round(bottom - top))
        .attr('fill', kit.color('muted'))
        .attr('fill-opacity', 0.13);
  }
  const g = plot.body.append('g');
  kit.vertical(g, at, top, bottom, {width: 2});
  if (!onLimit) return;
  const size = frame.font * 0.6, middle = kit.round((top + bottom) / 2);
  g.append('rect')
      .attr('class', 'tj-hit')
      .attr('x', at - 12)
      .attr('y', kit.round(top))
      .attr('width', 24)
      .attr('height', kit.round(bottom - top))
      .attr('fill', kit.color('ink'))
      .attr('fill-opacity', 0);
  g.append('rect')
      .attr('x', kit.round(at - size / 2))
      .attr('y', middle - 14)
      .attr('width', kit.round(size))
      .attr('height', 28)
      .attr('rx', 3)
      .attr('fill', kit.color('ink'))
      .attr('stroke', kit.color('surface'));
  const text = slowest > 0 ? 'at most ' + kit.si(1 / slowest, 's') + ' per ' + work : 'no limit';
  kit.mark(frame, g, {
    key: 'limit-' + panel.key,
    name: 'limit on the time per ' + work,
    apart: true,
    lines: [text]
  });
  g.attr('class', 'tj-mark tj-handle')
      .attr('role', 'slider')
      .attr('aria-orientation', 'horizontal')
      .attr('aria-valuemin', kit.round(plot.x.invert(x0)))
      .attr('aria-valuemax', kit.round(plot.x.invert(x1)))
      .attr('aria-valuenow', kit.round(slowest))
      .attr('aria-valuetext', text);
  const set = (speed) => {
    const [least, most] = plot.x.domain();
    const ms = speed > Math.max(least, 0) * 1.0001 && speed > 0 ?
        Number((1e3 / Math.min(speed, most)).toPrecision(3)) :
        null;
    frame.redraw({limitMs: ms});
    onLimit(ms);
  };
  g.on('keydown', () => {
    const step =
        {ArrowRight: 1.05, ArrowUp: 1.05, ArrowLeft: 1 / 1.05, ArrowDown: 1 / 1.05}[d3.event.key];
    const slow = d3.min(plot.x.domain().concat(1)) || 0;
    if (!step && d3.event.key !== 'Home') return;
    d3.event.preventDefault();
    const [least, most] = plot.x.domain();
    const begin = Math.max(least, most / 100, slow);
    if (d3.event.key === 'Home')
      set(0);
    else if (slowest > 0)
      set(slowest * step <= begin * 0.999 ? 0 : slowest * step);
    else if (step > 1)
      set(begin * 1.05);
  });
  g.on('pointerdown', () => {
    d3.event.preventDefault();
    g.node().focus({preventScroll: true});
    const host = frame.host, svgWidth = frame.width;
    const moved = (event) => {
      // The SVG is drawn again while it is dragged; its width stays.
      const box = host.querySelector('svg').getBoundingClientRect();
      set(plot.x.invert(
          Math.max(x0, Math.min(((event.clientX - box.left) * svgWidth) / box.width, x1))));
    };
    const done = () => {
      window.removeEventListener('pointermove', moved);
      window.removeEventListener('pointerup', done);
      window.removeEventListener('pointercancel', done);
    };
    window.addEventListener('pointermove', moved);
    window.addEventListener('pointerup', done);
    window.addEventListener('pointercancel', done);
  });
};
})();
