// Serving: throughput and energy against the speed that each user sees, and curves
// over batch and context.
(function () {
  'use strict';

  const kit = tokenjoule.charts.kit;

  // Series of a batch study, each with its name: what tells it from the others.
  const seriesOf = (study) => {
    let series = study ? kit.list(study.series).filter(Boolean) : [];
    if (series.length === 0 && study && kit.list(study.rows).length) {
      const first = study.rows[0] || {};
      series = [{ model: first.model, hardware: first.hardware, limits: study.limits, rows: study.rows,
        context: first.scenario && first.scenario.context }];
    }
    return series.map((s) => Object.assign({}, s, { rows: kit.list(s.rows).filter(Boolean) }))
      .filter((s) => s.rows.length > 0);
  };

  const differing = (series, of) => new Set(series.map(of)).size > 1;

  const nameSeries = (series) => {
    const parts = [[(s) => String(s.model)], [(s) => String(s.hardware)],
      [(s) => (kit.number(s.context, 0) > 0 ? 'context ' + kit.digits(s.context, 7) : '')],
      [(s) => (kit.number(s.batch, 0) > 0 ? 'batch ' + kit.digits(s.batch, 6) : '')]]
      .filter(([of]) => differing(series, of));
    return series.map((s) => parts.map(([of]) => of(s)).filter(Boolean).join(', '));
  };

  const batchOf = (row) => kit.number(row.scenario && row.scenario.batch, 1);
  const workOf = (series) => kit.work(series[0].rows[0]);

  // ------------------------------------------------------------------- Pareto

  // A row as a point: speed that one user sees, throughput of a chip, energy.
  const served = (row) => {
    const batch = batchOf(row), all = kit.number(row.tokens_per_s, 0);
    return { row, batch, speed: all / batch, throughput: all / Math.max(1, kit.number(row.num_chips, 1)),
      energy: kit.number(row.energy_per_token_j, 0), low: row.energy_per_token_j_low, high: row.energy_per_token_j_high,
      fits: row.fits !== false };
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
    const series = seriesOf(study);
    const names = nameSeries(series);
    const all = series.map((s, i) => ({ name: names[i], stroke: kit.series(i),
      points: s.rows.map(served).filter((p) => p.speed > 0 && p.throughput > 0) })).filter((s) => s.points.length);
    if (all.length === 0) return 'There is no batch to draw.';
    const work = workOf(series);
    let y = kit.begin(frame, 'Throughput and energy against speed per user');
    const hollow = all.some((s) => s.points.some((p) => !p.fits));
    const entries = all.length > 1 ? all.map((s) => ({ name: s.name, draw: lineSwatch(s.stroke) })) : [];
    entries.push({ name: 'Pareto front', draw: lineSwatch({ color: kit.color('muted'), width: 6, opacity: 0.35 }) });
    if (hollow) entries.push({ name: 'does not fit in memory', draw: (g, x, at, box) => g.append('circle').attr('cx', kit.round(x)).attr('cy', kit.round(at)).attr('r', kit.round(box * 0.45))
      .attr('fill', kit.color('surface')).attr('stroke', kit.color('muted')).attr('stroke-width', 1.5) });
    y = kit.legend(frame, y, entries);
    const side = frame.width >= 1000;
    const half = side ? (frame.width - 24) / 2 : frame.width;
    const panels = [
      { key: 'throughput', title: 'throughput per chip', unit: work + 's/s', value: (p) => p.throughput,
        better: (a, b) => b.throughput - a.throughput, log: false },
      { key: 'energy', title: 'energy per ' + work, unit: 'J', value: (p) => p.energy,
        better: (a, b) => a.energy - b.energy, log: true },
    ];
    let bottom = y;
    panels.forEach((panel, i) => {
      const top = side ? y : bottom + (i ? 8 : 0);
      const left = side ? i * (half + 24) : 0;
      bottom = Math.max(side ? bottom : 0, paretoPanel(frame, all, panel, work, { top, left, width: half }));
    });
    const limit = kit.number(frame.options.limitMs);
    frame.height = kit.paragraph(frame, bottom, limit > 0 ?
      'Limit: at most ' + kit.si(limit / 1e3, 's') + ' per ' + work + ', at least ' + kit.digits(1e3 / limit) + ' ' + work + 's/s per user. ' +
        withinWords(all, limit, work) :
      frame.options.onLimit ? 'Drag the line at the left, or use its arrow keys, to limit the time per ' + work + '.' : '');
  });

  const lineSwatch = (style) => (g, x, y, box) => g.append('path').attr('d', 'M' + kit.round(x - box / 2) + ' ' + kit.round(y) + 'h' + box)
    .attr('stroke', style.color).attr('stroke-width', style.width || 2.5).attr('stroke-opacity', style.opacity || null)
    .attr('stroke-dasharray', style.dash ? '4 2' : null);

  const withinWords = (all, limit, work) => {
    const within = all.flatMap((s) => s.points.filter((p) => p.fits && p.speed >= 1e3 / limit - 1e-9).map((p) => ({ s, p })));
    if (within.length === 0) return 'No batch that fits meets it.';
    const best = within.reduce((a, b) => (b.p.energy < a.p.energy ? b : a));
    return 'Least energy within it: ' + (best.s.name ? best.s.name + ', ' : '') + 'batch ' + kit.digits(best.p.batch, 6) + ', ' +
      kit.si(best.p.energy, 'J') + ' per ' + work + '.';
  };

  const paretoPanel = (frame, all, panel, work, place) => {
    const points = all.flatMap((s) => s.points);
    const plot = kit.plot(frame, { top: place.top, left: place.left, width: place.width,
      height: Math.max(200, Math.min(place.width * 0.6, 520)),
      x: { values: points.map((p) => p.speed), log: frame.options.log, unit: work + 's/s', title: 'speed per user' },
      y: { values: points.map(panel.value), log: panel.log, unit: panel.unit, title: panel.title } });
    const xy = (p) => [plot.x(p.speed), plot.y(panel.value(p))];
    const limit = kit.number(frame.options.limitMs), slowest = limit > 0 ? 1e3 / limit : 0;
    const usable = points.filter((p) => p.fits && p.speed >= slowest);
    const hull = front(usable, panel.better).map(xy);
    if (hull.length > 1) {
      plot.body.append('path').attr('d', d3.line()(hull.map((p) => p.map(kit.round)))).attr('fill', 'none')
        .attr('stroke', kit.color('muted')).attr('stroke-width', frame.font * 0.7).attr('stroke-opacity', 0.3)
        .attr('stroke-linecap', 'round').attr('stroke-linejoin', 'round');
    }
    const items = [], lines = [];
    for (const s of all) {
      const path = s.points.map(xy);
      lines.push(path);
      plot.body.append('path').attr('d', d3.line()(path.map((p) => p.map(kit.round)))).attr('fill', 'none')
        .attr('stroke', s.stroke.color).attr('stroke-width', 2).attr('stroke-dasharray', s.stroke.dash);
    }
    for (const s of all) {
      s.points.forEach((p, i) => {
        const [x, y] = xy(p), late = p.speed < slowest;
        const mark = plot.body.append('circle').attr('cx', kit.round(x)).attr('cy', kit.round(y)).attr('r', kit.round(frame.font * 0.33))
          .attr('fill', p.fits ? s.stroke.color : kit.color('surface')).attr('stroke', p.fits ? kit.color('surface') : s.stroke.color)
          .attr('stroke-width', p.fits ? 1 : 1.75).attr('opacity', late ? 0.4 : null);
        const name = (s.name ? s.name + ', ' : '') + 'batch ' + kit.digits(p.batch, 6);
        kit.mark(frame, mark, { key: panel.key + '-' + s.name + '-' + p.batch, name, lines: [
          kit.digits(p.speed) + ' ' + work + 's/s per user, ' + kit.si(1 / p.speed, 's') + ' per ' + work,
          kit.digits(p.throughput) + ' ' + work + 's/s per chip', kit.range(p.energy, p.low, p.high, 'J') + ' per ' + work,
          p.fits ? '' : 'does not fit in memory', late ? 'slower than the limit' : ''] });
        items.push({ x, y, r: frame.font * 0.33, text: (i === 0 ? 'batch ' : '') + kit.digits(p.batch, 6), fill: s.stroke.color });
      });
    }
    drawLimit(frame, plot, panel, slowest, work);
    kit.labels(plot.body, frame, items, plot.area, [], lines);
    return plot.bottom;
  };

  // The limit as a line with a handle: by pointer, and by arrow keys in steps of
  // five per cent; Home removes it.
  const drawLimit = (frame, plot, panel, slowest, work) => {
    const onLimit = frame.options.onLimit;
    if (!(slowest > 0) && !onLimit) return;
    const [x0, x1] = plot.x.range();
    const at = kit.round(Math.max(x0, Math.min(slowest > 0 ? plot.x(slowest) : x0, x1)));
    const { top, bottom } = plot.area;
    if (at > x0) {
      plot.body.append('rect').attr('x', kit.round(x0)).attr('y', kit.round(top)).attr('width', kit.round(at - x0))
        .attr('height', kit.round(bottom - top)).attr('fill', kit.color('muted')).attr('fill-opacity', 0.13);
    }
    const g = plot.body.append('g');
    g.append('path').attr('d', 'M' + at + ' ' + kit.round(top) + 'V' + kit.round(bottom))
      .attr('stroke', kit.color('ink')).attr('stroke-width', 2).attr('fill', 'none');
    if (!onLimit) return;
    const size = frame.font * 0.6, middle = kit.round((top + bottom) / 2);
    g.append('rect').attr('class', 'tj-hit').attr('x', at - 12).attr('y', kit.round(top)).attr('width', 24)
      .attr('height', kit.round(bottom - top)).attr('fill', kit.color('ink')).attr('fill-opacity', 0);
    g.append('rect').attr('x', kit.round(at - size / 2)).attr('y', middle - 14).attr('width', kit.round(size)).attr('height', 28)
      .attr('rx', 3).attr('fill', kit.color('ink')).attr('stroke', kit.color('surface'));
    const text = slowest > 0 ? 'at most ' + kit.si(1 / slowest, 's') + ' per ' + work : 'no limit';
    kit.mark(frame, g, { key: 'limit-' + panel.key, name: 'limit on the time per ' + work, lines: [text] });
    g.attr('class', 'tj-mark tj-handle').attr('role', 'slider').attr('aria-orientation', 'horizontal')
      .attr('aria-valuemin', kit.round(plot.x.invert(x0))).attr('aria-valuemax', kit.round(plot.x.invert(x1)))
      .attr('aria-valuenow', kit.round(slowest)).attr('aria-valuetext', text);
    const set = (speed) => {
      const [least, most] = plot.x.domain();
      const ms = speed > Math.max(least, 0) * 1.0001 && speed > 0 ? Number((1e3 / Math.min(speed, most)).toPrecision(3)) : null;
      frame.redraw({ limitMs: ms });
      onLimit(ms);
    };
    g.on('keydown', () => {
      const step = { ArrowRight: 1.05, ArrowUp: 1.05, ArrowLeft: 1 / 1.05, ArrowDown: 1 / 1.05 }[d3.event.key];
      const slow = d3.min(plot.x.domain().concat(1)) || 0;
      if (!step && d3.event.key !== 'Home') return;
      d3.event.preventDefault();
      const [least, most] = plot.x.domain();
      const begin = Math.max(least, most / 100, slow);
      if (d3.event.key === 'Home') set(0);
      else if (slowest > 0) set(slowest * step <= begin * 0.999 ? 0 : slowest * step);
      else if (step > 1) set(begin * 1.05);
    });
    g.on('pointerdown', () => {
      d3.event.preventDefault();
      g.node().focus({ preventScroll: true });
      const host = frame.host, svgWidth = frame.width;
      const moved = (event) => {
        // The SVG is drawn again while it is dragged; its width stays.
        const box = host.querySelector('svg').getBoundingClientRect();
        set(plot.x.invert(Math.max(x0, Math.min(((event.clientX - box.left) * svgWidth) / box.width, x1))));
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

  // ------------------------------------------------------------------- Curves

  const FIGURES = {
    energy: { title: (work) => 'energy per ' + work, unit: 'J', of: (row) => row.energy_per_token_j,
      low: (row) => row.energy_per_token_j_low, high: (row) => row.energy_per_token_j_high, figure: 'energy_per_token_j' },
    time: { title: () => 'time per step', unit: 's', of: (row) => row.step_time_s,
      low: (row) => row.step_time_s_low, high: (row) => row.step_time_s_high, figure: 'step_time_s' },
    throughput: { title: (work) => work + 's per second', unit: '', of: (row) => row.tokens_per_s,
      low: () => undefined, high: () => undefined, figure: 'tokens_per_s' },
    share: { title: () => 'DRAM share of the energy of the board', unit: '', of: (row) => row.dram_energy_share,
      low: (row) => row.dram_energy_share_low, high: (row) => row.dram_energy_share_high, figure: 'dram_energy_share' },
  };

  // One series per context over batch, or per batch over context.
  const curveSeries = (study, x) => {
    const series = seriesOf(study);
    if (x === 'batch') return series;
    const byBatch = new Map();
    for (const s of series) {
      for (const row of s.rows) {
        const key = [s.model, s.hardware, batchOf(row)].join('\n');
        if (!byBatch.has(key)) byBatch.set(key, { model: s.model, hardware: s.hardware, batch: batchOf(row), rows: [] });
        byBatch.get(key).rows.push(row);
      }
    }
    return [...byBatch.values()];
  };

  // Options: x, 'batch' (default) or 'context'; y, 'energy' (default), 'time',
  // 'throughput' or 'share'; linearX, linearY.
  kit.chart('curves', (frame, study) => {
    const x = frame.options.x === 'context' ? 'context' : 'batch';
    const figure = FIGURES[frame.options.y] || FIGURES.energy;
    const ofX = (row) => kit.number(row.scenario && row.scenario[x]);
    const logX = !frame.options.linearX, logY = !frame.options.linearY && figure !== FIGURES.share;
    const shows = (value, log) => kit.number(value) !== undefined && (!log || value > 0);
    const series = curveSeries(study, x);
    const names = nameSeries(series);
    const lines = series.map((s, i) => ({ s, name: names[i], stroke: kit.series(i),
      points: s.rows.filter((row) => shows(ofX(row), logX) && shows(figure.of(row), logY))
        .map((row) => ({ row, x: ofX(row), y: figure.of(row), low: figure.low(row), high: figure.high(row), fits: row.fits !== false }))
        .sort((a, b) => a.x - b.x) })).filter((line) => line.points.length > 0);
    if (lines.length === 0) return 'There is no ' + x + ' to draw' + (figure === FIGURES.share ? ', or no DRAM.' : '.');
    const work = workOf(series);
    drawCurves(frame, lines, { x, figure, logX, logY, work });
  });

  const floorOf = (line) => kit.number(line.s.limits && line.s.limits.floor_energy_per_token_j, 0);

  const drawCurves = (frame, lines, spec) => {
    const { figure, work } = spec;
    const title = figure.title(work);
    let top = kit.begin(frame, title + ' over ' + spec.x);
    const energy = figure === FIGURES.energy && spec.x === 'batch';
    const floors = energy ? lines.filter((line) => floorOf(line) > 0) : [];
    const misses = lines.some((line) => line.points.some((p) => !p.fits));
    const many = lines.length > 1, beside = many && frame.width >= 640;
    const nameWidth = beside ? Math.min(frame.width * 0.26, d3.max(lines, (line) => kit.textWidth(frame, line.name, frame.small, 600))) : 0;
    const entries = many && !beside ? lines.map((line) => ({ name: line.name, draw: lineSwatch(line.stroke) })) : [];
    if (misses) entries.push({ name: 'does not fit in memory', draw: lineSwatch({ color: kit.color('muted'), dash: true, width: 1.5 }) });
    top = kit.legend(frame, top, entries);
    const inside = (p) => [p.y].concat(kit.hasRange(p.y, p.low, p.high) && lines.length <= 3 ? [p.low, p.high] : []);
    const plot = kit.plot(frame, { top, right: beside ? nameWidth + 26 : 12,
      height: Math.max(220, Math.min(frame.width * (frame.narrow ? 0.75 : 0.46), 640)),
      x: { values: lines.flatMap((line) => line.points.map((p) => p.x)), log: spec.logX, unit: '', format: (v) => kit.digits(v, 7),
        title: spec.x === 'batch' ? 'batch, sequences' : 'context, tokens', pad: 0.02 },
      y: { values: lines.flatMap((line) => line.points.flatMap(inside)).concat(floors.map(floorOf)), log: spec.logY,
        unit: figure.unit, title, format: figure === FIGURES.share ? (v) => Math.round(100 * v) + ' %' : undefined } });
    const xy = (p) => [plot.x(p.x), plot.y(p.y)];
    if (lines.length <= 3) lines.forEach((line) => drawBand(plot, line));
    const taken = [], paths = [], items = [];
    if (energy && lines.length === 1) drawMemoryLimit(frame, plot, lines[0], taken, items);
    for (const line of floors) {
      const y = kit.round(plot.y(floorOf(line)));
      plot.body.append('path').attr('d', 'M' + kit.round(plot.area.left) + ' ' + y + 'H' + kit.round(plot.area.right))
        .attr('stroke', line.stroke.color).attr('stroke-dasharray', '1 4').attr('stroke-width', 1.5).attr('fill', 'none');
      if (floors.length === 1) items.push({ x: plot.area.left + 2, y, r: 0, text: 'floor, ' + kit.si(floorOf(line), 'J') });
    }
    for (const line of lines) paths.push(...drawLine(plot, line, xy));
    for (const line of lines) drawCurvePoints(frame, plot, line, xy, spec);
    kit.labels(plot.body, frame, items, plot.area, taken, paths);
    if (beside) {
      kit.endLabels(plot.body, frame, lines.map((line) => {
        const [x, y] = xy(line.points[line.points.length - 1]);
        return { x, y, text: line.name, fill: line.stroke.color };
      }), plot.area.right + 16, plot.area.top, plot.area.bottom, nameWidth + 4);
    }
    let y = plot.bottom;
    if (lines.length === 1 && lines[0].s.summary) y = kit.paragraph(frame, y, lines[0].s.summary);
    frame.height = y;
  };

  const drawBand = (plot, line) => {
    const points = line.points.filter((p) => kit.hasRange(p.y, p.low, p.high) && Number.isFinite(plot.y(p.low)));
    if (points.length < 2) return;
    const area = d3.area().x((p) => kit.round(plot.x(p.x))).y0((p) => kit.round(plot.y(p.low))).y1((p) => kit.round(plot.y(p.high)));
    plot.body.append('path').attr('d', area(points)).attr('fill', line.stroke.color).attr('fill-opacity', 0.16);
  };

  // Solid as far as it fits, then thin and dashed.
  const drawLine = (plot, line, xy) => {
    const last = line.points.map((p) => p.fits).lastIndexOf(true);
    const parts = [line.points.slice(0, last + 1), line.points.slice(Math.max(0, last))];
    return parts.map((points, i) => {
      const path = points.map(xy);
      if (path.length > 1) {
        plot.body.append('path').attr('d', d3.line()(path.map((p) => p.map(kit.round)))).attr('fill', 'none')
          .attr('stroke', line.stroke.color).attr('stroke-width', i ? 1.5 : 2.5)
          .attr('stroke-dasharray', i ? '4 4' : line.stroke.dash);
      }
      return path;
    });
  };

  const drawCurvePoints = (frame, plot, line, xy, spec) => {
    for (const p of line.points) {
      const [x, y] = xy(p);
      const mark = plot.body.append('circle').attr('cx', kit.round(x)).attr('cy', kit.round(y)).attr('r', kit.round(frame.font * 0.28))
        .attr('fill', p.fits ? line.stroke.color : kit.color('surface')).attr('stroke', p.fits ? kit.color('surface') : line.stroke.color)
        .attr('stroke-width', p.fits ? 0.75 : 1.5);
      const value = spec.figure === FIGURES.share ? kit.percent(p.y) : kit.range(p.y, p.low, p.high, spec.figure.unit);
      kit.mark(frame, mark, { key: 'curve-' + line.name + '-' + p.x, figure: null,
        name: (line.name ? line.name + ', ' : '') + spec.x + ' ' + kit.digits(p.x, 7),
        lines: [spec.figure.title(spec.work) + ': ' + value, p.fits ? '' : 'does not fit in memory'] });
    }
  };

  const drawMemoryLimit = (frame, plot, line, taken, items) => {
    const most = kit.number(line.s.limits && line.s.limits.max_batch, 0);
    const [low, high] = plot.x.domain();
    if (!(most > 0) || most < low || most > high) return;
    const x = kit.round(plot.x(most));
    plot.body.append('path').attr('d', 'M' + x + ' ' + kit.round(plot.area.top) + 'V' + kit.round(plot.area.bottom))
      .attr('stroke', kit.color('ink')).attr('stroke-dasharray', '6 3').attr('fill', 'none');
    items.push({ x, y: plot.area.top + frame.small, r: 1, text: 'memory is full at batch ' + kit.digits(most, 6), weight: 600 });
  };
})();
