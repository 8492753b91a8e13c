// Energy, time, throughput and DRAM share over batch or context.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

const FIGURES = {
  energy: {
    title: (work) => 'energy per ' + work,
    unit: 'J',
    of: (row) => row.energy_per_token_j,
    low: (row) => row.energy_per_token_j_low,
    high: (row) => row.energy_per_token_j_high,
    figure: 'energy_per_token_j'
  },
  time: {
    title: () => 'time per step',
    unit: 's',
    of: (row) => row.step_time_s,
    low: (row) => row.step_time_s_low,
    high: (row) => row.step_time_s_high,
    figure: 'step_time_s'
  },
  throughput: {
    title: (work) => work + 's per second',
    unit: '',
    of: (row) => row.tokens_per_s,
    low: () => undefined,
    high: () => undefined,
    figure: 'tokens_per_s'
  },
  share: {
    title: () => 'DRAM share of the energy of the board',
    unit: '',
    of: (row) => row.dram_energy_share,
    low: (row) => row.dram_energy_share_low,
    high: (row) => row.dram_energy_share_high,
    figure: 'dram_energy_share'
  },
};

// One series per context over batch, or per batch over context.
const curveSeries = (study, x) => {
  const series = kit.seriesOf(study);
  if (x === 'batch') return series;
  const byBatch = new Map();
  for (const s of series) {
    for (const row of s.rows) {
      const key = [s.model, s.hardware, kit.batchOf(row)].join('\n');
      if (!byBatch.has(key))
        byBatch.set(key, {model: s.model, hardware: s.hardware, batch: kit.batchOf(row), rows: []});
      byBatch.get(key).rows.push(row);
    }
  }
  return [...byBatch.values()];
};

// Options: x, 'batch' (default) or 'context'; y, 'energy' (default), 'time',
// 'throughput' or 'share'; linearX, linearY; marker, the value of x that is chosen
// now.
kit.chart('curves', (frame, study) => {
  const x = frame.options.x === 'context' ? 'context' : 'batch';
  const figure = FIGURES[frame.options.y] || FIGURES.energy;
  const ofX = (row) => kit.number(row.scenario && row.scenario[x]);
  const logX = !frame.options.linearX, logY = !frame.options.linearY && figure !== FIGURES.share;
  const shows = (value, log) => kit.number(value) !== undefined && (!log || value > 0);
  const series = curveSeries(study, x);
  const names = kit.nameSeries(series), strokes = kit.strokesOf(series, names);
  const lines =
      series
          .map((s, i) => ({
                 s,
                 name: names[i],
                 stroke: strokes[i],
                 points:
                     s.rows.filter((row) => shows(ofX(row), logX) && shows(figure.of(row), logY))
                         .map((row) => ({
                                row,
                                x: ofX(row),
                                y: figure.of(row),
                                low: figure.low(row),
                                high: figure.high(row),
                                fits: row.fits !== false
                              }))
                         .concat(
                             figure === FIGURES.energy && x === 'batch' ? fullMemory(s, ofX) : [])
                         .sort((a, b) => a.x - b.x)
               }))
          .filter((line) => line.points.length > 0);
  if (lines.length === 0)
    return 'There is no ' + x + ' to draw' + (figure === FIGURES.share ? ', or no DRAM.' : '.');
  const work = kit.work(series[0].rows[0]);
  drawCurves(frame, lines, {x, figure, logX, logY, work});
});

// The largest batch that fits, where no row has it: how far the line is solid.
const fullMemory = (s, ofX) => {
  const most = kit.number(s.limits && s.limits.max_batch, 0);
  const energy = kit.number(s.limits && s.limits.max_batch_energy_per_token_j, 0);
  const [low, high] = d3.extent(s.rows, ofX);
  if (!(most > low) || !(most < high) || !(energy > 0) || s.rows.some((row) => ofX(row) === most))
    return [];
  return [{row: s.rows[0], x: most, y: energy, fits: true}];
};

const floorOf = (line) => kit.number(line.s.limits && line.s.limits.floor_energy_per_token_j, 0);

// How the names of lines are given: beside their ends where there is room, else in
// a legend.
const naming = (frame, lines) => {
  const many = lines.length > 1, beside = many && frame.width >= 640;
  const widest = d3.max(lines, (line) => kit.textWidth(frame, line.name, frame.small, 600));
  const entries = many && !beside ?
      lines.map((line) => ({name: line.name, draw: kit.lineSwatch(line.stroke)})) :
      [];
  if (lines.some((line) => line.points.some((p) => !p.fits))) {
    entries.push({
      name: 'does not fit in memory',
      draw: kit.lineSwatch({color: kit.color('muted'), dash: true, width: 1.5})
    });
  }
  return {beside, width: beside ? Math.min(frame.width * 0.26, widest) : 0, entries};
};

// Bands of more lines than these would hide each other.
const MOST_BANDS = 3;

const curveAxes = (lines, floors, spec) => {
  const {figure, work} = spec;
  const banded = lines.length <= MOST_BANDS;
  const values = (p) => banded && kit.hasRange(p.y, p.low, p.high) ? [p.y, p.low, p.high] : [p.y];
  return {
    x: {
      values: lines.flatMap((line) => line.points.map((p) => p.x)),
      log: spec.logX,
      unit: '',
      format: (v) => kit.digits(v, 7),
      title: spec.x === 'batch' ? 'batch, sequences' : 'context, tokens',
      pad: 0.02
    },
    y: {
      values: lines.flatMap((line) => line.points.flatMap(values)).concat(floors.map(floorOf)),
      log: spec.logY,
      unit: figure.unit,
      title: figure.title(work),
      format: figure === FIGURES.share ? (v) => Math.round(100 * v) + ' %' : undefined
    }
  };
};

const drawCurves = (frame, lines, spec) => {
  const overBatch = spec.figure === FIGURES.energy && spec.x === 'batch';
  const floors = overBatch ? lines.filter((line) => floorOf(line) > 0) : [];
  const names = naming(frame, lines);
  let top = kit.begin(frame, spec.figure.title(spec.work) + ' over ' + spec.x);
  top = kit.legend(frame, top, names.entries);
  const plot = kit.plot(frame, Object.assign(curveAxes(lines, floors, spec), {
    top,
    right: names.beside ? names.width + 26 : 12,
    height: Math.max(220, Math.min(frame.width * (frame.narrow ? 0.75 : 0.46), 640))
  }));
  const xy = (p) => [plot.x(p.x), plot.y(p.y)];
  const items = [];
  if (lines.length <= MOST_BANDS) lines.forEach((line) => drawBand(plot, line));
  drawMarker(frame, plot, items);
  if (overBatch && lines.length === 1) drawMemoryLimit(frame, plot, lines[0], items);
  for (const line of floors) drawFloor(plot, line, floors.length === 1 ? items : []);
  const paths = lines.flatMap((line) => drawLine(plot, line, xy));
  for (const line of lines) drawCurvePoints(frame, plot, line, xy, spec);
  kit.labels(plot.body, frame, items, plot.area, [], paths);
  if (names.beside) nameEnds(frame, plot, lines, xy, names.width);
  const words = overBatch && lines.length === 1 ? lines[0].s.summary : '';
  frame.height = kit.paragraph(frame, plot.bottom, words);
};

const nameEnds = (frame, plot, lines, xy, width) => {
  const ends = lines.map((line) => {
    const [x, y] = xy(line.points[line.points.length - 1]);
    return {x, y, text: line.name, fill: line.stroke.color};
  });
  const {right, top, bottom} = plot.area;
  kit.endLabels(plot.body, frame, ends, right + 16, top, bottom, width + 4);
};

const drawFloor = (plot, line, items) => {
  const y = plot.y(floorOf(line)), {left, right} = plot.area;
  kit.horizontal(plot.body, y, left, right, {color: line.stroke.color, width: 1.5, dash: '1 4'});
  items.push({x: left + 2, y, r: 0, text: 'floor, ' + kit.si(floorOf(line), 'J')});
};

const drawBand = (plot, line) => {
  const points =
      line.points.filter((p) => kit.hasRange(p.y, p.low, p.high) && Number.isFinite(plot.y(p.low)));
  if (points.length < 2) return;
  const area = d3.area()
                   .x((p) => kit.round(plot.x(p.x)))
                   .y0((p) => kit.round(plot.y(p.low)))
                   .y1((p) => kit.round(plot.y(p.high)));
  plot.body.append('path')
      .attr('d', area(points))
      .attr('fill', line.stroke.color)
      .attr('fill-opacity', 0.16);
};

// Solid as far as it fits, then thin and dashed.
const drawLine = (plot, line, xy) => {
  const last = line.points.map((p) => p.fits).lastIndexOf(true);
  const parts = [line.points.slice(0, last + 1), line.points.slice(Math.max(0, last))];
  return parts.map((points, i) => {
    const path = points.map(xy);
    if (path.length > 1) {
      kit.path(
          plot.body, path,
          {color: line.stroke.color, width: i ? 1.5 : 2.5, dash: i ? '4 4' : line.stroke.dash});
    }
    return path;
  });
};

const drawCurvePoints = (frame, plot, line, xy, spec) => {
  for (const p of line.points) {
    const [x, y] = xy(p);
    const mark = kit.disc(plot.body, x, y, frame.font * 0.28, line.stroke.color, !p.fits);
    const value = spec.figure === FIGURES.share ? kit.percent(p.y) :
                                                  kit.range(p.y, p.low, p.high, spec.figure.unit);
    kit.mark(frame, mark, {
      key: 'curve-' + line.name + '-' + p.x,
      figure: null,
      name: (line.name ? line.name + ', ' : '') + spec.x + ' ' + kit.digits(p.x, 7),
      lines: [spec.figure.title(spec.work) + ': ' + value, p.fits ? '' : 'does not fit in memory']
    });
  }
};

const drawMarker = (frame, plot, items) => {
  const at = kit.number(frame.options.marker);
  const [low, high] = plot.x.domain();
  if (at === undefined || at < low || at > high) return;
  const x = plot.x(at);
  kit.vertical(plot.body, x, plot.area.top, plot.area.bottom, {color: kit.color('muted')});
  items.push({x, y: plot.area.bottom - frame.small, r: 1, text: 'now ' + kit.digits(at, 7)});
};

const drawMemoryLimit = (frame, plot, line, items) => {
  const most = kit.number(line.s.limits && line.s.limits.max_batch, 0);
  const [low, high] = plot.x.domain();
  if (!(most > 0) || most < low || most > high) return;
  const x = plot.x(most);
  kit.vertical(plot.body, x, plot.area.top, plot.area.bottom, {dash: '6 3'});
  items.push({
    x,
    y: plot.area.top + frame.small,
    r: 1,
    text: 'memory is full at batch ' + kit.digits(most, 6),
    weight: 600
  });
};
})();
