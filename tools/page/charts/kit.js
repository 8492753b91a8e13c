// What all charts share: numbers with units, words of an answer, colours, and text
// that is measured before it is drawn. Charts are functions
// tokenjoule.charts.NAME(host, data, options), in the other files of this folder,
// that draw an answer of the engine (proto/report.proto) into an element. Drawing
// again, with the same or other data, replaces what was there; a chart follows the
// width of its host by itself.
//
// Options that all charts take:
//   onFigure(path)  a mark that `tokenjoule explain` can explain was chosen
//   width, fontSize pixels; by default those of the host
//   title, subtitle headings, drawn above the chart; wrapped, never cut
//   label           the chart's name for screen readers
(function() {
'use strict';

const tokenjoule = (window.tokenjoule = window.tokenjoule || {});
const charts = (tokenjoule.charts = tokenjoule.charts || {});
const kit = (charts.kit = {});

// ---------------------------------------------------------------- Numbers

// Nothing in an answer is larger or, but for 0, smaller; products and quotients of two
// such numbers are still finite.
const LARGEST = 1e150, SMALLEST = 1e-150;

// The number, or `otherwise` where the answer has none (absent, NaN, infinite).
kit.number = (value, otherwise) => {
  if (typeof value !== 'number' || !(Math.abs(value) < LARGEST)) return otherwise;
  return Math.abs(value) < SMALLEST ? 0 : value;
};

// A name, whatever a file has in its place.
kit.name = (value) => typeof value === 'string' && value.trim() !== '' ? value : 'unnamed';

// The list, or an empty one where the answer has none.
kit.list = (value) => (Array.isArray(value) ? value : []);

// Its messages, without anything else that may stand between them.
kit.items = (value) => kit.list(value).filter((item) => item && typeof item === 'object');

const PREFIXES = ['a', 'f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

// The SI prefix in which a value has one to three digits before the point.
kit.prefix = (value) => {
  const size = Math.abs(kit.number(value, 0));
  let exponent = size > 0 ? Math.floor(Math.log10(size) + 1e-9) : 0;
  exponent = Math.max(-18, Math.min(18, 3 * Math.floor(exponent / 3)));
  return {factor: Math.pow(10, exponent), symbol: PREFIXES[exponent / 3 + 6]};
};

// Three digits that count: "0.0123", "12 300"; with an exponent only where a number is
// very small or large.
kit.digits = (value, count = 3) => {
  const number = kit.number(value);
  if (number === undefined) return 'unknown';
  if (number === 0) return '0';
  const size = Math.abs(number);
  if (size < 1e-6 || size >= 1e15) {
    const exponent = Math.floor(Math.log10(size) + 1e-12);
    const mantissa = Number((number / Math.pow(10, exponent)).toPrecision(count));
    return mantissa + ' × 10^' + exponent;
  }
  const text = String(Number(number.toPrecision(count)));
  const [whole, part] = text.split('.');
  const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, '\u202f') : whole;
  return (part ? spaced + '.' + part : spaced).replace('-', '\u2212');
};

// "482 mJ".
kit.si = (value, unit, count = 3) => {
  const number = kit.number(value);
  if (number === undefined) return 'unknown';
  if (unit === '') return kit.digits(number, count);
  const rounded = number === 0 ? 0 : Number(number.toPrecision(count));
  const {factor, symbol} = kit.prefix(rounded);
  return kit.digits(rounded / factor, count) + '\u00a0' + symbol + unit;
};

// "482 mJ (380 to 590)"; without a range the value alone.
kit.range = (value, low, high, unit) => {
  const text = kit.si(value, unit);
  if (!kit.hasRange(value, low, high)) return text;
  const {factor} = unit === '' ? {factor: 1} : kit.prefix(Number(value.toPrecision(3)));
  return text + ' (' + kit.digits(low / factor) + ' to ' + kit.digits(high / factor) + ')';
};

// Whether an answer gives a range around a value, which is wider than rounding.
kit.hasRange = (value, low, high) => kit.number(value) !== undefined &&
    kit.number(low) !== undefined && kit.number(high) !== undefined && high > low &&
    high - low > 1e-6 * Math.abs(value);

// "27 %" of a share from 0 to 1.
kit.percent = (share) => {
  const number = kit.number(share);
  if (number === undefined) return 'unknown';
  const percent = 100 * number;
  if (percent === 0) return '0\u00a0%';
  if (percent < 0.1) return 'under 0.1\u00a0%';
  return kit.digits(percent, 2) + '\u00a0%';
};

// "× 2.5".
kit.times = (factor) => '×\u00a0' + kit.digits(factor);

// ------------------------------------------------------- Words of an answer

// What "token" means in an answer: "token", or "inference".
kit.work = (report) =>
    report && typeof report.work_unit === 'string' && report.work_unit ? report.work_unit : 'token';

kit.boundaryName = (boundary) =>
    (typeof boundary === 'string' && boundary || 'board').replace('_', ' ');

kit.boundOf = (report) => (report && report.scenario && report.scenario.boundary) || 'board';

const chips = (report) => {
  const scenario = report.scenario || {};
  const count = kit.number(report.num_chips, 1);
  const ways = ['tp', 'pp', 'ep', 'dp']
                   .filter((way) => scenario[way] > 1)
                   .map((way) => way + ' ' + scenario[way]);
  return count + (count === 1 ? ' chip' : ' chips') +
      (ways.length ? ' (' + ways.join(', ') + ')' : '');
};

const formats = (scenario) => {
  if (!scenario.weights) return '';
  if (!scenario.kv) return scenario.weights + ' weights, ' + scenario.activations + ' activations';
  return scenario.weights + ' weights, ' + scenario.kv + ' KV cache';
};

// Title and subtitle of charts of one answer, or of several side by side: model,
// machine, runtime, chips, batch, context, formats and boundary, as far as they
// share them. `what` comes first.
charts.heading = (report, what) => {
  const reports = (Array.isArray(report) ? report : [report]).filter(Boolean);
  // A study that has no answer of its own, such as a front, has a name.
  if (reports.every((r) => !r.model)) {
    const name = reports.map((r) => r.name).filter(Boolean).join(', ');
    return {title: [what, name].filter(Boolean).join(': '), subtitle: ''};
  }
  const shared = (of) => {
    const values = [...new Set(reports.map((r) => of(r, r.scenario || {})))];
    return values.length === 1 ? values[0] : '';
  };
  const names = (of) => {
    const values = [...new Set(reports.map(of))];
    return values.length > 4 ? values.length + ' ' : values.join(', ');
  };
  const models = names((r) => r.model), machines = names((r) => r.hardware);
  const parts = [
    shared(chips),
    shared((r) => r.runtime),
    shared((r, s) => (s.batch > 0 ? 'batch ' + kit.digits(s.batch, 6) : '')),
    shared((r, s) => (s.context > 0 ? 'context ' + kit.digits(s.context, 7) : '')),
    shared((r, s) => formats(s)),
    shared((r, s) => 'boundary: ' + kit.boundaryName(s.boundary)),
  ];
  const many = (text, noun) => (/ $/.test(text) ? text + noun : text);
  return {
    title: (what ? what + ': ' : '') + many(models, 'models') + ' on ' + many(machines, 'machines'),
    subtitle: parts.filter(Boolean).join(', '),
  };
};

// --------------------------------------------------------------- Colours

const FALLBACK = {
  ink: '#1d2129',
  muted: '#5a6372',
  grid: '#dfe3e8',
  surface: '#ffffff',
  'series-1': '#0072b2',
  'series-2': '#d55e00',
  'series-3': '#009e73',
  'series-4': '#cc79a7',
  'series-5': '#e69f00',
  'series-6': '#56b4e9',
  'series-7': '#1d2129',
};

// A colour of charts.css by its name.
kit.color = (name) =>
    FALLBACK[name] ? 'var(--tj-' + name + ', ' + FALLBACK[name] + ')' : 'var(--tj-' + name + ')';

// Stroke of the i-th series: seven colours, then the same dashed, then grey, so
// that no two series look the same by accident.
kit.series = (i) => i < 14 ?
    {color: kit.color('series-' + (1 + (i % 7))), dash: i < 7 ? null : '7 3'} :
    {color: kit.color('muted'), dash: null};

// ------------------------------------------------------------------ Text

let context = null;
const widths = new Map();

// Width of a text in pixels.
kit.textWidth = (frame, text, size = frame.font, weight = 400) => {
  const font = weight + ' ' + size + 'px ' + frame.family;
  const key = font + '\n' + text;
  let width = widths.get(key);
  if (width === undefined) {
    context = context || document.createElement('canvas').getContext('2d');
    context.font = font;
    width = context.measureText(text).width * 1.02 + 1;
    if (widths.size > 20000) widths.clear();
    widths.set(key, width);
  }
  return width;
};

const fits = (frame, text, width, size, weight) =>
    kit.textWidth(frame, text, size, weight) <= width;

// Parts of a word that fit a width: broken after punctuation where that helps,
// between letters where nothing else does.
const brokenWord = (frame, word, width, size, weight) => {
  const parts = [];
  let rest = Array.from(word);
  while (rest.length > 1 && !fits(frame, rest.join(''), width, size, weight)) {
    let count = rest.length - 1;
    while (count > 1 && !fits(frame, rest.slice(0, count).join(''), width, size, weight)) --count;
    let nice = count;
    while (nice > 1 && !/[-._/,:;)\]]/.test(rest[nice - 1])) --nice;
    if (nice > count / 2) count = nice;
    parts.push(rest.slice(0, count).join(''));
    rest = rest.slice(count);
  }
  parts.push(rest.join(''));
  return parts;
};

// Lines of a text that each fit a width.
kit.wrapped = (frame, text, width, size = frame.font, weight = 400) => {
  const lines = [];
  for (const word of (typeof text === 'string' ? text : '').split(/[ \n\t]+/)) {
    if (word === '') continue;
    const last = lines[lines.length - 1];
    if (last !== undefined && fits(frame, last + ' ' + word, width, size, weight)) {
      lines[lines.length - 1] = last + ' ' + word;
    } else {
      lines.push(...brokenWord(frame, word, width, size, weight));
    }
  }
  return lines.length ? lines : [''];
};

// Writes one line of text at a baseline.
kit.text = (parent, frame, x, y, text, style = {}) => {
  const node = parent.append('text')
                   .attr('x', round(x))
                   .attr('y', round(y))
                   .attr('fill', style.fill || kit.color('ink'))
                   .text(text);
  if (style.anchor && style.anchor !== 'start') node.attr('text-anchor', style.anchor);
  if (style.size && style.size !== frame.font) node.attr('font-size', style.size);
  if (style.weight && style.weight !== 400) node.attr('font-weight', style.weight);
  if (style.halo) {
    node.attr('paint-order', 'stroke')
        .attr('stroke', kit.color('surface'))
        .attr('stroke-width', 3)
        .attr('stroke-linejoin', 'round');
  }
  return node;
};

// Writes lines of text below each other, the first at a baseline; returns the
// baseline after the last.
kit.lines = (parent, frame, x, y, lines, style = {}) => {
  const step = Math.round((style.size || frame.font) * 1.25);
  lines.forEach((line, i) => kit.text(parent, frame, x, y + i * step, line, style));
  return y + lines.length * step;
};

// ----------------------------------------------------------------- Shapes

// Pixels with two decimals, so that the same data give the same text everywhere.
const round = (value) => Math.round(value * 100) / 100;
kit.round = round;

// A line through points [x, y]. style: color, width, dash, opacity, cap ('round');
// fill closes it.
kit.path = (parent, points, style = {}) => {
  const d = points.map((p) => round(p[0]) + ' ' + round(p[1])).join('L');
  return parent.append('path')
      .attr('d', 'M' + d + (style.fill ? 'Z' : ''))
      .attr('fill', style.fill || 'none')
      .attr('stroke', style.color || kit.color('ink'))
      .attr('stroke-width', style.width || 1)
      .attr('stroke-dasharray', style.dash || null)
      .attr('stroke-opacity', style.opacity || null)
      .attr('stroke-linecap', style.cap || null)
      .attr('stroke-linejoin', style.cap || null);
};

kit.vertical = (parent, x, from, to, style) => kit.path(parent, [[x, from], [x, to]], style);
kit.horizontal = (parent, y, from, to, style) => kit.path(parent, [[from, y], [to, y]], style);

// A disc; hollow: only its outline has the colour.
kit.disc = (parent, x, y, r, color, hollow) =>
    parent.append('circle')
        .attr('cx', round(x))
        .attr('cy', round(y))
        .attr('r', round(r))
        .attr('fill', hollow ? kit.color('surface') : color)
        .attr('stroke', hollow ? color : kit.color('surface'))
        .attr('stroke-width', hollow ? 1.75 : 1);

kit.diamond = (parent, x, y, r, color) => kit.path(
    parent, [[x, y - r], [x + r, y], [x, y + r], [x - r, y]],
    {fill: color, color: kit.color('surface')});
})();
