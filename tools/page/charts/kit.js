// What all charts share: units, text that is measured before it is drawn, marks
// that pointer and keyboard reach, labels that avoid each other, axes, rows, and
// the export of a chart as an SVG that stands alone. Charts are functions
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
(function () {
  'use strict';

  const tokenjoule = (window.tokenjoule = window.tokenjoule || {});
  const charts = (tokenjoule.charts = tokenjoule.charts || {});
  const kit = (charts.kit = {});

  // ---------------------------------------------------------------- Numbers

  // The number, or `otherwise` where the answer has none (absent, NaN, infinite).
  kit.number = (value, otherwise) =>
    typeof value === 'number' && Number.isFinite(value) ? value : otherwise;

  kit.list = (value) => (Array.isArray(value) ? value : []);

  const PREFIXES = ['a', 'f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

  // The SI prefix in which a value has one to three digits before the point.
  kit.prefix = (value) => {
    const size = Math.abs(kit.number(value, 0));
    let exponent = size > 0 ? Math.floor(Math.log10(size) + 1e-9) : 0;
    exponent = Math.max(-18, Math.min(18, 3 * Math.floor(exponent / 3)));
    return { factor: Math.pow(10, exponent), symbol: PREFIXES[exponent / 3 + 6] };
  };

  // Three digits that count, without an exponent: "0.0123", "1 230".
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
    const text = String(Number(number.toPrecision(Math.max(count, Math.min(count, 15)))));
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
    const { factor, symbol } = kit.prefix(rounded);
    return kit.digits(rounded / factor, count) + '\u00a0' + symbol + unit;
  };

  // "482 mJ (380 to 590)"; without a range the value alone.
  kit.range = (value, low, high, unit) => {
    const text = kit.si(value, unit);
    if (!kit.hasRange(value, low, high)) return text;
    const { factor } = kit.prefix(Number(value.toPrecision(3)));
    return text + ' (' + kit.digits(low / factor) + ' to ' + kit.digits(high / factor) + ')';
  };

  kit.hasRange = (value, low, high) =>
    kit.number(value) !== undefined && kit.number(low) !== undefined &&
    kit.number(high) !== undefined && high > low && high - low > 1e-6 * Math.abs(value);

  kit.percent = (share) => {
    const number = kit.number(share);
    if (number === undefined) return 'unknown';
    const percent = 100 * number;
    if (percent === 0) return '0\u00a0%';
    if (percent < 0.1) return 'under 0.1\u00a0%';
    return kit.digits(percent, percent >= 10 ? 2 : 2) + '\u00a0%';
  };

  kit.times = (factor) => '×\u00a0' + kit.digits(factor);

  // ------------------------------------------------------- Words of an answer

  // What "token" means in an answer: "token", or "inference".
  kit.work = (report) => (report && report.work_unit) || 'token';

  kit.boundaryName = (boundary) => String(boundary || 'board').replace('_', ' ');

  kit.boundOf = (report) => (report && report.scenario && report.scenario.boundary) || 'board';

  const chips = (report) => {
    const scenario = report.scenario || {};
    const count = kit.number(report.num_chips, 1);
    const ways = ['tp', 'pp', 'ep', 'dp'].filter((way) => scenario[way] > 1)
      .map((way) => way + ' ' + scenario[way]);
    return count + (count === 1 ? ' chip' : ' chips') +
      (ways.length ? ' (' + ways.join(', ') + ')' : '');
  };

  const formats = (scenario) => {
    if (!scenario.weights) return '';
    if (!scenario.kv) return scenario.weights + ' weights, ' + scenario.activations + ' activations';
    return scenario.weights + ' weights, ' + scenario.kv + ' KV cache';
  };

  // Title and subtitle of charts of an answer: model, machine, runtime, chips,
  // batch, context, formats and boundary.
  charts.heading = (report, what) => {
    const scenario = (report && report.scenario) || {};
    const parts = [
      chips(report),
      report.runtime,
      scenario.batch > 0 ? 'batch ' + kit.digits(scenario.batch, 6) : '',
      scenario.context > 0 ? 'context ' + kit.digits(scenario.context, 7) : '',
      formats(scenario),
      'boundary: ' + kit.boundaryName(scenario.boundary),
    ];
    return {
      title: (what ? what + ': ' : '') + report.model + ' on ' + report.hardware,
      subtitle: parts.filter(Boolean).join(', '),
    };
  };

  // --------------------------------------------------------------- Colours

  const FALLBACK = {
    ink: '#1d2129', muted: '#5a6372', grid: '#dfe3e8', surface: '#ffffff',
    'series-1': '#0072b2', 'series-2': '#d55e00', 'series-3': '#009e73', 'series-4': '#cc79a7',
    'series-5': '#e69f00', 'series-6': '#56b4e9', 'series-7': '#1d2129',
  };

  // A colour of charts.css by its name.
  kit.color = (name) =>
    FALLBACK[name] ? 'var(--tj-' + name + ', ' + FALLBACK[name] + ')' : 'var(--tj-' + name + ')';

  // Stroke of the i-th series: seven colours, then the same dashed, then grey, so
  // that no two series look the same by accident.
  kit.series = (i) =>
    i < 14
      ? { color: kit.color('series-' + (1 + (i % 7))), dash: i < 7 ? null : '7 3' }
      : { color: kit.color('muted'), dash: null };

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
    for (const word of String(text).split(/[ \n\t]+/)) {
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
      .attr('x', round(x)).attr('y', round(y))
      .attr('fill', style.fill || kit.color('ink'))
      .text(text);
    if (style.anchor && style.anchor !== 'start') node.attr('text-anchor', style.anchor);
    if (style.size && style.size !== frame.font) node.attr('font-size', style.size);
    if (style.weight && style.weight !== 400) node.attr('font-weight', style.weight);
    if (style.halo) {
      node.attr('paint-order', 'stroke').attr('stroke', kit.color('surface'))
        .attr('stroke-width', 3).attr('stroke-linejoin', 'round');
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

  const round = (value) => Math.round(value * 100) / 100;
  kit.round = round;

  // ------------------------------------------------------------------ Marks

  // Makes an element a mark: named for screen readers, reached by arrow keys, with
  // a tip of its name and further lines, and chosen by click and Enter if
  // it is a figure that can be explained.
  kit.mark = (frame, selection, mark) => {
    const lines = kit.list(mark.lines).filter(Boolean);
    const node = selection.node();
    const chosen = mark.figure && frame.options.onFigure;
    selection
      .attr('class', 'tj-mark' + (mark.figure ? ' figure' : ''))
      .attr('role', chosen ? 'button' : 'img')
      .attr('aria-label', [mark.name].concat(lines).join('; '))
      .attr('tabindex', -1)
      .attr('data-key', mark.key);
    if (mark.figure) selection.attr('data-figure', mark.figure);
    const show = () => showTip(frame, node, mark.name, lines);
    selection.on('mouseenter', show).on('focus', show)
      .on('mouseleave', () => hideTip(frame)).on('blur', () => hideTip(frame));
    if (chosen) {
      const choose = () => {
        d3.event.stopPropagation();
        frame.options.onFigure(mark.figure);
      };
      selection.on('click', choose).on('keydown', () => {
        if (d3.event.key !== 'Enter' && d3.event.key !== ' ') return;
        d3.event.preventDefault();
        choose();
      });
    }
    frame.marks.push(node);
    return selection;
  };

  const showTip = (frame, node, name, lines) => {
    hideTip(frame);
    const tip = d3.select(frame.host).append('div').attr('class', 'tj-tip').attr('aria-hidden', 'true');
    tip.append('b').text(name);
    for (const line of lines) tip.append('span').text(line);
    const outer = frame.host.getBoundingClientRect(), mark = node.getBoundingClientRect();
    const own = tip.node().getBoundingClientRect();
    const pointer = d3.event && d3.event.clientX ? d3.event.clientX : mark.left + mark.width / 2;
    const left = Math.max(0, Math.min(pointer - outer.left + 12, outer.width - own.width));
    const below = mark.bottom - outer.top + 6;
    const above = mark.top - outer.top - own.height - 6;
    const room = mark.bottom + own.height + 10 < window.innerHeight;
    tip.style('left', left + 'px').style('top', (room || mark.top - own.height < 6 ? below : above) + 'px');
    frame.tip = tip;
  };

  const hideTip = (frame) => {
    if (frame.tip) frame.tip.remove();
    frame.tip = null;
  };

  // One tab stop per chart; arrow keys, Home and End go from mark to mark.
  const makeReachable = (frame) => {
    const marks = frame.marks;
    if (marks.length === 0) return;
    marks.forEach((node, i) => {
      node.addEventListener('focus', () => {
        marks.forEach((other) => other.setAttribute('tabindex', other === node ? 0 : -1));
      });
      node.addEventListener('keydown', (event) => {
        if (event.defaultPrevented) return;
        const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1,
          Home: 0, End: marks.length - 1 }[event.key];
        if (to === undefined || !marks[to]) return;
        event.preventDefault();
        marks[to].focus();
      });
    });
    marks[0].setAttribute('tabindex', 0);
  };

  // ------------------------------------------------------------------ Frames

  const last = new WeakMap();

  const fontFor = (width) =>
    width < 900 ? 13 : Math.min(18, Math.round(13 + (5 * (width - 900)) / 700));

  const remembered = (host) => {
    const focused = document.activeElement;
    return focused && host.contains(focused) ? focused.getAttribute('data-key') : null;
  };

  const drawn = (host, call) => {
    const key = remembered(host);
    const options = call.options;
    const width = Math.max(280, Math.floor(options.width || host.clientWidth || 640));
    host.textContent = '';
    host.classList.add('tj-chart');
    const frame = {
      host, options, width, height: 0, marks: [], tip: null,
      font: options.fontSize || fontFor(width),
      family: getComputedStyle(host).fontFamily || 'sans-serif',
      narrow: width < 520,
      redraw: (changes) => charts[call.name](host, call.data, Object.assign({}, options, changes)),
    };
    frame.small = Math.max(11, Math.round(frame.font * 0.88));
    frame.row = Math.round(frame.font * 1.85);
    frame.bar = Math.round(frame.font * 1.15);
    call.width = host.clientWidth;
    const words = call.draw(frame, call.data);
    if (typeof words === 'string') {
      host.textContent = '';
      d3.select(host).append('p').attr('class', 'tj-words').text(words);
      return;
    }
    if (frame.svg) {
      frame.svg.attr('height', Math.ceil(frame.height))
        .attr('viewBox', '0 0 ' + width + ' ' + Math.ceil(frame.height));
    }
    makeReachable(frame);
    if (key === null) return;
    const again = frame.marks.find((node) => node.getAttribute('data-key') === key);
    if (again) again.focus({ preventScroll: true });
  };

  // Defines a chart. `draw` draws into a frame, or returns words that say why
  // there is nothing to draw.
  kit.chart = (name, draw) => {
    charts[name] = (host, data, options) => {
      const call = { name, draw, data, options: options || {} };
      const before = last.get(host);
      last.set(host, call);
      drawn(host, call);
      if (before && before.observer) {
        call.observer = before.observer;
      } else if (window.ResizeObserver) {
        call.observer = new ResizeObserver(() => {
          const now = last.get(host);
          if (!now || now.options.width || !host.clientWidth) return;
          if (Math.abs(host.clientWidth - now.width) > 1) drawn(host, now);
        });
        call.observer.observe(host);
      }
    };
  };

  // Begins the SVG of a chart, with its headings; returns the vertical position
  // below them.
  kit.begin = (frame, label) => {
    const options = frame.options;
    frame.svg = d3.select(frame.host).append('svg')
      .attr('xmlns', 'http://www.w3.org/2000/svg')
      .attr('width', frame.width)
      .attr('role', 'group')
      .attr('aria-label', options.label || options.title || label)
      .attr('font-family', frame.family)
      .attr('font-size', frame.font);
    let y = 4;
    if (options.title) {
      const size = Math.round(frame.font * 1.25);
      const lines = kit.wrapped(frame, options.title, frame.width - 4, size, 600);
      y = kit.lines(frame.svg, frame, 2, y + size, lines, { size, weight: 600 }) - size + 6;
    }
    if (options.subtitle) {
      const lines = kit.wrapped(frame, options.subtitle, frame.width - 4, frame.small);
      y = kit.lines(frame.svg, frame, 2, y + frame.small, lines,
        { size: frame.small, fill: kit.color('muted') }) - frame.small + 4;
    }
    return y + 2;
  };

  // Writes a paragraph at a vertical position; returns the position below it.
  kit.paragraph = (frame, y, text, style = {}) => {
    if (!text) return y;
    const size = style.size || frame.small;
    const x = style.x || 2;
    const lines = kit.wrapped(frame, text, (style.width || frame.width - x) - 4, size, style.weight);
    return kit.lines(frame.svg, frame, x, y + size, lines,
      Object.assign({ fill: kit.color('muted') }, style, { size })) - size + Math.round(size * 0.5);
  };

  // ------------------------------------------------------------------- Axes

  // Values to write at a logarithmic axis: decades, with 2 and 5 if there are few.
  const logTicks = (domain, room) => {
    const from = Math.floor(Math.log10(domain[0]) + 1e-9), to = Math.ceil(Math.log10(domain[1]) - 1e-9);
    const decades = to - from;
    const inside = (v) => v >= domain[0] * (1 - 1e-9) && v <= domain[1] * (1 + 1e-9);
    for (const factors of [[1, 1.2, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
      const ticks = [];
      for (let e = from; e <= to; ++e) {
        for (const f of factors) {
          const tick = Number((f * Math.pow(10, e)).toPrecision(3));
          if (inside(tick)) ticks.push(tick);
        }
      }
      if (ticks.length <= Math.max(2, room) && (factors.length < 7 || ticks.length < 2 || decades <= 1)) {
        if (ticks.length >= 2 || factors.length === 7) return ticks;
      }
      if (factors.length === 1) {
        const step = Math.ceil(ticks.length / Math.max(2, room));
        return ticks.filter((_, i) => i % step === 0);
      }
    }
    return [];
  };

  kit.ticks = (scale, room) =>
    scale.base ? logTicks(scale.domain(), room) : scale.ticks(Math.max(2, room));

  // A scale over values, and how its ticks are written. `spec`: log, zero (the
  // axis begins at 0), unit (with SI prefix) or format, title.
  kit.scale = (values, spec) => {
    let shown = values.filter((v) => kit.number(v) !== undefined && (!spec.log || v > 0));
    if (shown.length === 0) shown = spec.log ? [1, 10] : [0, 1];
    let [low, high] = d3.extent(shown);
    if (spec.log) {
      if (high / low < 1.5) { low /= 1.5; high *= 1.5; }
      const pad = Math.pow(high / low, spec.pad === undefined ? 0.04 : spec.pad);
      low /= pad; high *= pad;
    } else {
      if (spec.zero || low >= 0) low = Math.min(0, low);
      if (high <= low) high = low + (Math.abs(low) || 1);
      const pad = (high - low) * (spec.pad === undefined ? 0.04 : spec.pad);
      if (low < 0) low -= pad;
      high += pad;
    }
    const scale = (spec.log ? d3.scaleLog() : d3.scaleLinear()).domain([low, high]);
    let format = spec.format, title = spec.title;
    if (!format) {
      const size = spec.log ? Math.sqrt(low * high) : Math.max(Math.abs(low), Math.abs(high));
      const { factor, symbol } = spec.unit === '' ? { factor: 1, symbol: '' } : kit.prefix(size);
      format = (v) => kit.digits(v / factor, 4);
      if (spec.unit) title = spec.title + ', ' + symbol + spec.unit;
    }
    return { scale, format, title };
  };

  // Vertical grid lines and the axis below them. Returns the position below.
  kit.axisBelow = (parent, frame, axis, area) => {
    const { scale, format, title } = axis;
    const [x0, x1] = [Math.min(...scale.range()), Math.max(...scale.range())];
    const size = frame.small;
    const widest = (ticks) => d3.max(ticks, (t) => kit.textWidth(frame, format(t), size)) || 0;
    let room = Math.floor((x1 - x0) / (size * 2.5));
    let ticks = kit.ticks(scale, room);
    while (room > 2 && ticks.length * (widest(ticks) + size * 0.7) > x1 - x0) ticks = kit.ticks(scale, --room);
    let free = -Infinity;
    for (const tick of ticks) {
      const x = scale(tick), text = format(tick), width = kit.textWidth(frame, text, size);
      parent.append('path').attr('d', 'M' + round(x) + ' ' + round(area.top) + 'V' + round(area.bottom))
        .attr('stroke', kit.color('grid')).attr('fill', 'none');
      const left = Math.max(1, Math.min(x - width / 2, frame.width - width - 1));
      if (left < free) continue;
      kit.text(parent, frame, left, area.bottom + size + 3, text, { size, fill: kit.color('muted') });
      free = left + width + 3;
    }
    let y = area.bottom + size + 6;
    if (title) {
      const lines = kit.wrapped(frame, title, frame.width - 8, size);
      const width = d3.max(lines, (line) => kit.textWidth(frame, line, size));
      const middle = Math.max(width / 2 + 1, Math.min((x0 + x1) / 2, frame.width - width / 2 - 1));
      y = kit.lines(parent, frame, middle, y + size + 2, lines,
        { size, anchor: 'middle', fill: kit.color('ink') }) - size;
    }
    return y + 4;
  };

  // Horizontal grid lines with values on their left, and the title above.
  kit.axisLeft = (parent, frame, axis, area) => {
    const { scale, format } = axis;
    const size = frame.small;
    const room = Math.floor((area.bottom - area.top) / (size * 2.4));
    let free = Infinity;
    for (const tick of kit.ticks(scale, room)) {
      const y = scale(tick);
      parent.append('path').attr('d', 'M' + round(area.left) + ' ' + round(y) + 'H' + round(area.right))
        .attr('stroke', kit.color('grid')).attr('fill', 'none');
      if (y + size * 0.6 > free) continue;
      kit.text(parent, frame, area.left - 6, y + size * 0.35, format(tick),
        { size, anchor: 'end', fill: kit.color('muted') });
      free = y - size * 0.6;
    }
  };

  // An area with two axes. `spec`: top, height, x and y (as in kit.scale, with
  // `values`), right: pixels kept free at the right. Draws the axes; returns
  // scales, area and the position below.
  kit.plot = (frame, spec) => {
    const size = frame.small;
    const x = kit.scale(spec.x.values, spec.x), y = kit.scale(spec.y.values, spec.y);
    const left = spec.left || 0;
    const width = spec.width || frame.width - left;
    let top = spec.top;
    const grid = frame.svg.append('g');
    const titles = kit.wrapped(frame, y.title || '', width - 8, size, 600);
    top = kit.lines(grid, frame, left + 2, top + size, titles, { size, weight: 600 }) - size + 6;
    y.scale.range([top + spec.height, top]);
    const room = Math.floor(spec.height / (size * 2.4));
    const labels = kit.ticks(y.scale, room).map(y.format);
    const wide = Math.ceil(d3.max(labels, (text) => kit.textWidth(frame, text, size)) || 0);
    const area = { left: left + wide + 10, right: left + width - (spec.right || 10), top, bottom: top + spec.height };
    x.scale.range([area.left, area.right]);
    const bottom = kit.axisBelow(grid, frame, x, area);
    kit.axisLeft(grid, frame, y, area);
    const body = frame.svg.append('g');
    return { x: x.scale, y: y.scale, area, bottom, body, grid };
  };

  // ------------------------------------------------------------------- Rows

  // Rows below each other: a label, a bar or whatever `row.draw` draws on a common
  // scale, and a value. On narrow charts label and value stand above the bar.
  // A row with `heading` has no bar; `note` is small print below one. spec: top, values, log, zero, unit, title,
  // format as in kit.scale; noAxis. Returns the position below.
  kit.rows = (frame, rows, spec) => {
    const gap = Math.round(frame.font * 0.6);
    const axis = kit.scale(spec.values, spec);
    const left = spec.left || 0, width = spec.width || frame.width - left;
    const narrow = spec.narrow === undefined ? width < 520 : spec.narrow;
    const valueWidth = (row) => (row.value ? kit.textWidth(frame, row.value, frame.font, row.weight) : 0);
    const labelSize = (row) => kit.textWidth(frame, row.label, frame.font, row.weight);
    const bars = rows.filter((row) => row.heading === undefined);
    const values = narrow ? 0 : Math.min(d3.max(bars, valueWidth) || 0, width * 0.34);
    const labels = narrow ? 0 : Math.min(d3.max(bars, labelSize) || 0, width * (spec.labelShare || 0.33));
    const x0 = left + (narrow ? 2 : labels + gap);
    const x1 = left + width - (narrow ? 4 : values + gap + 2);
    axis.scale.range([x0, x1]);
    const grid = frame.svg.append('g');
    const line = Math.round(frame.font * 1.25);
    const first = spec.top;
    let y = spec.top;
    for (const row of rows) {
      if (row.heading !== undefined) {
        const lines = kit.wrapped(frame, row.heading, width - 4, frame.font, 600);
        y = kit.lines(frame.svg, frame, left + 2, y + frame.font + gap * 0.7, lines, { weight: 600, fill: row.fill }) - frame.font + 4;
        continue;
      }
      const g = frame.svg.append('g');
      const hit = g.append('rect').attr('class', 'tj-hit').attr('fill', kit.color('ink')).attr('fill-opacity', 0);
      const start = y;
      let barY;
      if (narrow) {
        const own = valueWidth(row);
        const beside = own + gap < width * 0.6;
        const lines = kit.wrapped(frame, row.label, width - 4 - (beside ? own + gap : 0), frame.font, row.weight);
        y = kit.lines(g, frame, left + 2, y + frame.font + 2, lines, { weight: row.weight });
        if (row.value && beside) {
          kit.text(g, frame, left + width - 4, start + frame.font + 2, row.value, { anchor: 'end', weight: row.weight });
        } else if (row.value) {
          y = kit.lines(g, frame, left + 2, y, kit.wrapped(frame, row.value, width - 4), { fill: kit.color('muted') });
        }
        barY = y - frame.font + 4;
        y = barY + frame.bar + 4;
        y = note(frame, g, row, left + 2, y, width - 6) + 3;
      } else {
        const lines = kit.wrapped(frame, row.label, labels, frame.font, row.weight);
        const texts = row.value ? kit.wrapped(frame, row.value, values, frame.font, row.weight) : [];
        const tall = Math.max(frame.row, Math.max(lines.length, texts.length) * line + 6);
        const middle = y + tall / 2;
        const baseline = (count) => middle - ((count - 1) * line) / 2 + frame.font * 0.36;
        kit.lines(g, frame, left + labels, baseline(lines.length), lines, { anchor: 'end', weight: row.weight });
        kit.lines(g, frame, x1 + gap, baseline(texts.length), texts, { weight: row.weight });
        barY = middle - frame.bar / 2;
        y = note(frame, g, row, x0, y + tall - (row.note ? 4 : 0), left + width - x0 - 4);
      }
      hit.attr('x', left).attr('y', round(start)).attr('width', round(width)).attr('height', round(y - start));
      row.draw(g, { x: axis.scale, y: barY, height: frame.bar, middle: barY + frame.bar / 2, x0, x1 });
      kit.mark(frame, g, row.mark);
    }
    y += 2;
    if (spec.lineAt !== undefined) {
      const x = round(axis.scale(spec.lineAt));
      frame.svg.append('path').attr('d', 'M' + x + ' ' + round(first) + 'V' + round(y))
        .attr('stroke', kit.color('ink')).attr('stroke-width', 1).attr('fill', 'none');
    }
    if (spec.noAxis) return y;
    return kit.axisBelow(grid, frame, axis, { top: first, bottom: y });
  };

  // Small print of a row, below its bar.
  const note = (frame, g, row, x, y, width) => {
    if (!row.note) return y;
    const size = frame.small;
    return kit.lines(g, frame, x, y + size, kit.wrapped(frame, row.note, width, size),
      { size, fill: kit.color('muted') }) - size + 5;
  };

  // A bar from one value to another.
  kit.bar = (parent, place, from, to, style) => {
    const a = place.x(from), b = place.x(to);
    const thick = place.height * (style.share || 1);
    return parent.append('rect')
      .attr('x', round(Math.min(a, b))).attr('y', round(place.middle - thick / 2))
      .attr('width', round(Math.max(Math.abs(b - a), style.least === undefined ? 0.75 : style.least))).attr('height', round(thick))
      .attr('fill', style.fill || 'none')
      .attr('fill-opacity', style.opacity === undefined ? null : style.opacity)
      .attr('stroke', style.stroke || null).attr('stroke-dasharray', style.dash || null);
  };

  // A range: a line with caps over a halo, so that it shows on any bar.
  kit.whisker = (parent, place, low, high) => {
    const a = round(place.x(low)), b = round(place.x(high)), cap = place.height * 0.28;
    const d = 'M' + a + ' ' + round(place.middle) + 'H' + b + 'M' + a + ' ' + round(place.middle - cap) + 'v' +
      round(2 * cap) + 'M' + b + ' ' + round(place.middle - cap) + 'v' + round(2 * cap);
    parent.append('path').attr('d', d).attr('fill', 'none').attr('stroke', kit.color('surface'))
      .attr('stroke-width', 3.5).attr('stroke-opacity', 0.7);
    parent.append('path').attr('d', d).attr('fill', 'none').attr('stroke', kit.color('ink')).attr('stroke-width', 1.25);
  };

  // ----------------------------------------------------------------- Labels

  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  kit.meets = meets;

  // Places beside a point where a text could stand, with what each costs.
  const placesBeside = (item, width, height) => {
    const places = [], r = (item.r || 4) + 3;
    for (let step = 0; step <= 12; ++step) {
      for (const up of step ? [-1, 1] : [-1]) {
        const y = item.y + up * step * height * 0.5;
        places.push({ left: item.x + r, top: y - height / 2, cost: step });
        places.push({ left: item.x - r - width, top: y - height / 2, cost: step + 0.4 });
        if (step >= 2) places.push({ left: item.x - width / 2, top: y - height / 2, cost: step - 0.5 });
      }
    }
    for (const place of places) {
      place.right = place.left + width;
      place.bottom = place.top + height;
    }
    return places;
  };

  // Writes texts beside points where they meet neither each other nor `taken`
  // boxes, inside an area, away from `lines` (arrays of [x, y]) if possible. A text
  // without a place is left out; it is still in the tip of its mark. Items: x, y,
  // r, text, fill, weight; the first come first.
  kit.labels = (parent, frame, items, area, taken, lines = []) => {
    const size = frame.small, height = size * 1.2;
    const boxes = taken.slice();
    for (const item of items) {
      const r = item.r || 4;
      boxes.push({ left: item.x - r, right: item.x + r, top: item.y - r, bottom: item.y + r });
    }
    const dots = [];
    for (const path of lines) {
      for (let i = 1; i < path.length; ++i) {
        const [a, b] = [path[i - 1], path[i]];
        const steps = Math.min(200, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / 6));
        for (let s = 0; s <= steps; ++s) {
          dots.push([a[0] + ((b[0] - a[0]) * s) / (steps || 1), a[1] + ((b[1] - a[1]) * s) / (steps || 1)]);
        }
      }
    }
    const crossed = (box) =>
      dots.some(([x, y]) => x > box.left && x < box.right && y > box.top && y < box.bottom);
    for (const item of items) {
      if (!item.text) continue;
      const width = kit.textWidth(frame, item.text, size, item.weight);
      let best = null;
      for (const place of placesBeside(item, width, height)) {
        if (place.left < area.left || place.right > area.right || place.top < area.top || place.bottom > area.bottom) continue;
        if (boxes.some((box) => meets(place, box))) continue;
        const cost = place.cost + (crossed(place) ? 5 : 0);
        if (!best || cost < best.all) best = Object.assign(place, { all: cost });
      }
      if (!best) continue;
      boxes.push(best);
      const middle = (best.top + best.bottom) / 2;
      if (best.cost > 3) {
        const end = item.x < best.left ? best.left - 1 : item.x > best.right ? best.right + 1 : (best.left + best.right) / 2;
        const to = item.x < best.left || item.x > best.right ? middle : middle < item.y ? best.bottom : best.top;
        parent.append('path').attr('d', 'M' + round(item.x) + ' ' + round(item.y) + 'L' + round(end) + ' ' + round(to))
          .attr('stroke', kit.color('muted')).attr('stroke-width', 0.75).attr('fill', 'none');
      }
      kit.text(parent, frame, best.left, middle + size * 0.35, item.text,
        { size, fill: item.fill, weight: item.weight, halo: true });
    }
    return boxes;
  };

  // Vertical positions, at least `gap` apart and within [from, to], that are near
  // the wanted ones. `wanted` is sorted; if there is no room, null.
  kit.apart = (wanted, gap, from, to) => {
    if (wanted.length === 0) return [];
    if ((wanted.length - 1) * gap > to - from + 1e-6) return null;
    // Pools of neighbours that touch move together to their mean.
    const pools = [];
    wanted.forEach((y, i) => {
      pools.push({ first: i, count: 1, sum: y - i * gap });
      while (pools.length > 1) {
        const b = pools[pools.length - 1], a = pools[pools.length - 2];
        if (a.sum / a.count <= b.sum / b.count) break;
        pools.pop();
        a.count += b.count;
        a.sum += b.sum;
      }
    });
    const places = [];
    for (const pool of pools) {
      for (let i = 0; i < pool.count; ++i) places.push(pool.sum / pool.count + (pool.first + i) * gap);
    }
    const n = places.length;
    for (let i = 0; i < n; ++i) places[i] = Math.max(places[i], from + i * gap);
    for (let i = n - 1; i >= 0; --i) places[i] = Math.min(places[i], to - (n - 1 - i) * gap);
    return places;
  };

  // Names of lines at their ends, to the right of an area, apart from each other
  // and tied to their ends. Items: x, y, text (one or more lines of it), fill.
  kit.endLabels = (parent, frame, items, left, top, bottom, width) => {
    const size = frame.small, step = Math.round(size * 1.2);
    const sorted = items.map((item) => Object.assign({}, item, {
      lines: kit.wrapped(frame, item.text, width, size, 600),
    })).sort((a, b) => a.y - b.y || (a.text < b.text ? -1 : 1));
    // Each line of text is one place; those of one name stay together because
    // they are wanted at neighbouring heights.
    const tall = Math.max(1, d3.max(sorted, (item) => item.lines.length) || 1);
    let places = kit.apart(sorted.map((item) => item.y), step * tall + 2, top + size / 2, bottom - size / 2);
    if (!places) {
      const room = Math.max(1, Math.floor((bottom - top) / (step * tall + 2)));
      sorted.length = Math.min(sorted.length, room);
      places = kit.apart(sorted.map((item) => item.y), step * tall + 2, top - size, bottom + size) || [];
    }
    sorted.forEach((item, i) => {
      if (places[i] === undefined) return;
      const y = places[i];
      parent.append('path')
        .attr('d', 'M' + round(item.x + 2) + ' ' + round(item.y) + 'L' + round(left - 2) + ' ' + round(y))
        .attr('stroke', item.fill).attr('stroke-width', 1).attr('stroke-opacity', 0.6).attr('fill', 'none');
      kit.lines(parent, frame, left, y + size * 0.35 - ((item.lines.length - 1) * step) / 2, item.lines,
        { size, fill: item.fill, weight: 600 });
    });
  };

  // Swatches with names, wrapped over lines; returns the position below.
  kit.legend = (frame, y, entries, parent = frame.svg) => {
    const size = frame.small, box = Math.round(size * 0.8);
    let x = 2, line = y + size;
    for (const entry of entries) {
      const lines = kit.wrapped(frame, entry.name, frame.width - box - 12, size);
      const width = box + 5 + d3.max(lines, (text) => kit.textWidth(frame, text, size));
      if (x > 2 && x + width > frame.width - 2) {
        x = 2;
        line += Math.round(size * 1.45);
      }
      if (entry.draw) {
        entry.draw(parent, x + box / 2, line - box / 2 + 1, box);
      } else {
        parent.append('rect').attr('x', x).attr('y', line - box + 1).attr('width', box).attr('height', box)
          .attr('fill', entry.fill).attr('fill-opacity', entry.opacity || null)
          .attr('stroke', entry.stroke || null).attr('stroke-dasharray', entry.dash || null);
      }
      kit.lines(parent, frame, x + box + 5, line, lines, { size });
      line += (lines.length - 1) * Math.round(size * 1.25);
      x += width + Math.round(size * 1.2);
    }
    return entries.length ? line + Math.round(size * 0.6) : y;
  };

  // ----------------------------------------------------------------- Export

  const KEPT = ['fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray',
    'stroke-linejoin', 'paint-order', 'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor'];

  // The SVG of a chart as a document that needs no style sheet: colours as they
  // show now, on the surface of the page, without what only a page can use.
  // options: background (false: transparent).
  charts.standalone = (svg, options = {}) => {
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll('*')], to = [copy, ...copy.querySelectorAll('*')];
    const unseen = copy.querySelectorAll('.tj-hit');
    from.forEach((node, i) => {
      const style = getComputedStyle(node), target = to[i];
      for (const name of KEPT) {
        if (!node.hasAttribute(name)) continue;
        const value = style.getPropertyValue(name);
        if (value) target.setAttribute(name, name === 'font-size' ? parseFloat(value) : value);
      }
      for (const name of ['class', 'tabindex', 'data-key', 'data-figure', 'style', 'role', 'aria-valuenow',
        'aria-valuemin', 'aria-valuemax', 'aria-valuetext', 'aria-orientation']) {
        target.removeAttribute(name);
      }
    });
    for (const node of unseen) node.remove();
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    copy.setAttribute('role', 'img');
    const family = copy.getAttribute('font-family') || '';
    if (!/sans-serif\s*$/.test(family)) copy.setAttribute('font-family', (family ? family + ', ' : '') + 'sans-serif');
    if (options.background !== false) {
      const probe = document.createElement('span');
      probe.style.color = kit.color('surface');
      (svg.parentNode || document.body).appendChild(probe);
      const color = getComputedStyle(probe).color;
      probe.remove();
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      rect.setAttribute('width', '100%');
      rect.setAttribute('height', '100%');
      rect.setAttribute('fill', color);
      copy.insertBefore(rect, copy.firstChild);
    }
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(copy) + '\n';
  };
})();
