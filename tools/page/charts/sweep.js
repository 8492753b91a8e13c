// The front of a design space: its points over two of the objectives.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// Endings of the names of figures, as units of an axis.
const UNITS = [
  [/^tokens_per_s$/, 'throughput, tokens/s', ''],
  [/_j_s$/, null, 'J s'],
  [/_usd$/, null, 'US$'],
  [/_mm2$/, null, 'mm\u00b2'],
  [/_bytes$/, null, 'B'],
  [/_w_per_cm2$/, null, 'W/cm\u00b2'],
  [/_c$/, null, '°C'],
  [/_db$/, null, 'dB'],
  [/_tops_per_w$/, null, 'TOPS/W'],
  [/_j$/, null, 'J'],
  [/_s$/, null, 's'],
  [/_w$/, null, 'W'],
];
const PREFIXED = new Set(['J', 's', 'W', 'B', 'J s']);

// An objective such as "max tokens_per_s": its figure, title, unit and sense.
const objective = (text) => {
  const most = /^max /.test(text), name = kit.name(text).replace(/^max /, '');
  for (const [ending, title, unit] of UNITS) {
    if (ending.test(name))
      return {name, most, unit, title: title || name.replace(ending, '').replace(/_/g, ' ')};
  }
  return {name, most, unit: '', title: name.replace(/_/g, ' ')};
};

const valueOf = (point, figure) => kit.number(point.figures && point.figures[figure.name]);
const written = (value, figure) =>
    (PREFIXED.has(figure.unit) ? kit.si(value, figure.unit) :
                                 kit.digits(value) + (figure.unit ? '\u00a0' + figure.unit : ''));

// The first axis whose values tell the points apart by few enough colours.
const colorAxis = (axes, points) => {
  for (let i = 0; i < axes.length; ++i) {
    const values = [...new Set(points.map((p) => kit.name(kit.list(p.values)[i])))];
    if (values.length > 1 && values.length <= 7) return {index: i, values};
  }
  return null;
};

// Options: x, y, names of objectives (default: the second and the first).
kit.chart('sweep', (frame, study) => {
  const objectives = study ? kit.list(study.objectives).map(objective) : [];
  if (objectives.length === 0) return 'There is no front to draw.';
  const find = (name, otherwise) => objectives.find((o) => o.name === name) || otherwise;
  const fy = find(frame.options.y, objectives[0]),
        fx = find(frame.options.x, objectives[1] || objectives[0]);
  const shows = (p) => p && valueOf(p, fx) !== undefined && valueOf(p, fy) !== undefined;
  const front = kit.items(study.front).filter(shows),
        dominated = kit.items(study.dominated).filter(shows);
  if (front.length === 0) return 'No point of this space fits and is within its limits.';
  const base = shows(study.baseline) ? study.baseline : null;
  drawFront(
      frame, study,
      {fx, fy, objectives, front, dominated, base, axes: kit.list(study.axes).map(kit.name)});
});

const axisOf = (points, figure, base) => {
  const values = points.concat(base || []).map((p) => valueOf(p, figure));
  const positive = values.filter((v) => v > 0);
  const log = positive.length === values.length && d3.max(values) > 5 * d3.min(values);
  return {
    values,
    log,
    free: true,
    unit: PREFIXED.has(figure.unit) ? figure.unit : '',
    title: figure.title + (figure.unit && !PREFIXED.has(figure.unit) ? ', ' + figure.unit : '')
  };
};

const drawFront = (frame, study, spec) => {
  const {fx, fy, front, dominated, base, axes} = spec;
  let y = kit.begin(
      frame, 'Front of ' + kit.name(study.name) + ': ' + fy.title + ' against ' + fx.title);
  const coloring = colorAxis(axes, front);
  const colorOf = (p) => kit.color(
      'series-' +
      (1 +
       (coloring ?
            Math.max(0, coloring.values.indexOf(kit.name(kit.list(p.values)[coloring.index]))) :
            0)));
  const disc = (fill, opacity) => (g, x, at, box) =>
      kit.disc(g, x, at, box * 0.45, fill).attr('fill-opacity', opacity || null);
  const entries = coloring ?
      coloring.values.map(
          (value, i) => ({name: value, draw: disc(kit.color('series-' + (i + 1)))})) :
      [];
  if (dominated.length) entries.push({name: 'dominated', draw: disc(kit.color('muted'), 0.35)});
  y = kit.legend(frame, y, entries);
  const all = front.concat(dominated);
  const plot = kit.plot(frame, {
    top: y,
    height: Math.max(240, Math.min(frame.width * (frame.narrow ? 0.85 : 0.5), 640)),
    x: axisOf(all, fx, base),
    y: axisOf(all, fy, base)
  });
  const xy = (p) => [plot.x(valueOf(p, fx)), plot.y(valueOf(p, fy))];
  for (const p of dominated) {
    const [x, at] = xy(p);
    kit.disc(plot.body, x, at, 2, kit.color('muted'))
        .attr('fill-opacity', 0.35)
        .attr('stroke', null);
  }
  // A stair: between two points of the front there is no better one, nor a mixture.
  const path = leading(spec).map(xy).flatMap(
      ([x, at], i, all) => (i ? [[x, all[i - 1][1]], [x, at]] : [[x, at]]));
  if (path.length > 1) {
    kit.path(
        plot.body, path,
        {color: kit.color('muted'), width: frame.font * 0.45, opacity: 0.4, cap: 'round'});
  }
  const items = [];
  front.forEach((p, i) => drawFrontPoint(frame, plot, p, i, spec, colorOf(p), xy(p)));
  corners(spec).forEach(({point, words}) => {
    const [x, at] = xy(point);
    items.push({x, y: at, r: frame.font * 0.33, text: words, weight: 600});
  });
  if (base) drawBaseline(frame, plot, spec, xy(base), items);
  const taken =
      front.map(xy).map(([x, at]) => ({left: x - 4, right: x + 4, top: at - 4, bottom: at + 4}));
  kit.labels(plot.body, frame, items, plot.area, taken, [path]);
  frame.height = kit.paragraph(frame, plot.bottom, countWords(study, spec));
};

// Points of the front than which none is better in the two figures that are shown.
const leading = ({fx, fy, front}) => {
  const sense = (figure, a, b) =>
      (figure.most ? -1 : 1) * (valueOf(a, figure) - valueOf(b, figure));
  const line = [];
  for (const p of front.slice().sort((a, b) => sense(fx, a, b) || sense(fy, a, b))) {
    if (line.length === 0 || sense(fy, p, line[line.length - 1]) < 0) line.push(p);
  }
  return line;
};

const drawBaseline = (frame, plot, spec, [x, y], items) => {
  const r = frame.font * 0.5, mark = plot.body.append('g');
  kit.path(mark, [[x - r, y - r], [x + r, y + r]], {width: 2.5});
  kit.path(mark, [[x - r, y + r], [x + r, y - r]], {width: 2.5});
  kit.mark(frame, mark, {key: 'baseline', name: 'baseline', lines: pointLines(spec.base, spec)});
  items.push({x, y, r, text: 'baseline', weight: 600});
};

const countWords = (study, {objectives}) => {
  const shown = objectives.length > 2 ?
      ' of ' + objectives.length + ' objectives, of which two are shown' :
      '';
  return kit.digits(study.points, 7) + ' points, ' + kit.digits(study.feasible, 7) +
      ' that fit and are within the limits, ' + kit.list(study.front).length + ' on the front' +
      shown + '.';
};

const pointLines = (p, spec) =>
    spec.objectives.map((o) => o.title + ' ' + written(valueOf(p, o), o))
        .concat(spec.axes.map((axis, i) => axis + ' = ' + kit.name(kit.list(p.values)[i])));

const drawFrontPoint = (frame, plot, p, i, spec, color, [x, y]) => {
  const mark = kit.disc(plot.body, x, y, frame.font * 0.33, color);
  kit.mark(frame, mark, {
    key: 'front-' + i,
    name: kit.number(p.id, 0) > 0 ? 'point ' + p.id : 'point of the front',
    lines: pointLines(p, spec).concat(p.command)
  });
};

// The best point of each shown figure.
const corners = ({fx, fy, front}) => {
  const best = (figure) => front.reduce(
      (a, b) =>
          ((figure.most ? valueOf(b, figure) > valueOf(a, figure) :
                          valueOf(b, figure) < valueOf(a, figure)) ?
               b :
               a));
  return [...new Set([fy, fx])].map(
      (figure) => ({
        point: best(figure),
        words: (figure.most ? 'most ' : 'least ') + figure.title.replace(/,.*/, '')
      }));
};
})();
