// Charts as things that are used: marks that pointer and keyboard reach, frames that
// follow the width of their host, and the export of a chart as an SVG.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;
const charts = tokenjoule.charts;
const round = kit.round;

// ------------------------------------------------------------------ Marks

// Keys tell marks apart when a chart is drawn again; equal names get a number.
const uniqueKey = (frame, key) => {
  const count = (frame.keys.get(key) || 0) + 1;
  frame.keys.set(key, count);
  return count === 1 ? key : key + ' ' + count;
};

// Makes an element a mark: named for screen readers, reached by arrow keys, with
// a tip of its name and further lines, and chosen by click and Enter if it is a
// figure that can be explained. One that uses arrow keys itself stands apart: it
// is a tab stop of its own. A plain one is not underlined by the page.
kit.mark = (frame, selection, mark) => {
  const lines = kit.list(mark.lines).filter((line) => typeof line === 'string' && line !== '');
  const node = selection.node();
  const chosen = mark.figure && frame.options.onFigure;
  selection
      .attr('class', 'tj-mark' + (mark.figure ? ' figure' : '') + (mark.plain ? ' tj-plain' : ''))
      .attr('role', chosen ? 'button' : 'img')
      .attr('aria-label', [mark.name].concat(lines).join('; '))
      .attr('tabindex', mark.apart ? 0 : -1)
      .attr('data-key', uniqueKey(frame, mark.key));
  if (mark.figure) selection.attr('data-figure', mark.figure);
  const show = () => showTip(frame, node, mark.name, lines);
  selection.on('mouseenter', show)
      .on('focus', show)
      .on('mouseleave', () => hideTip(frame))
      .on('blur', () => hideTip(frame));
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
  (mark.apart ? frame.apart : frame.marks).push(node);
  return selection;
};

const showTip = (frame, node, name, lines) => {
  hideTip(frame);
  const tip =
      d3.select(frame.host).append('div').attr('class', 'tj-tip').attr('aria-hidden', 'true');
  tip.append('b').text(name);
  for (const line of lines) tip.append('span').text(line);
  const outer = frame.host.getBoundingClientRect(), mark = node.getBoundingClientRect();
  const own = tip.node().getBoundingClientRect();
  const pointer = d3.event && d3.event.clientX ? d3.event.clientX : mark.left + mark.width / 2;
  const left = Math.max(0, Math.min(pointer - outer.left + 12, outer.width - own.width));
  const below = mark.bottom - outer.top + 6;
  const above = mark.top - outer.top - own.height - 6;
  const room = mark.bottom + own.height + 10 < window.innerHeight;
  tip.style('left', left + 'px')
      .style('top', (room || mark.top - own.height < 6 ? below : above) + 'px');
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
      if (event.key === 'Escape') hideTip(frame);
      const to = {
        ArrowRight: i + 1,
        ArrowDown: i + 1,
        ArrowLeft: i - 1,
        ArrowUp: i - 1,
        Home: 0,
        End: marks.length - 1
      }[event.key];
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
    host,
    options,
    width,
    height: 0,
    marks: [],
    apart: [],
    keys: new Map(),
    tip: null,
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
  const again =
      frame.marks.concat(frame.apart).find((node) => node.getAttribute('data-key') === key);
  if (again) again.focus({preventScroll: true});
};

// Defines a chart. `draw` draws into a frame, or returns words that say why
// there is nothing to draw.
kit.chart = (name, draw) => {
  charts[name] = (host, data, options) => {
    const call = {name, draw, data, options: options || {}};
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
  frame.svg = d3.select(frame.host)
                  .append('svg')
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
    y = kit.lines(frame.svg, frame, 2, y + size, lines, {size, weight: 600}) - size + 6;
  }
  if (options.subtitle) {
    const lines = kit.wrapped(frame, options.subtitle, frame.width - 4, frame.small);
    y = kit.lines(
            frame.svg, frame, 2, y + frame.small, lines,
            {size: frame.small, fill: kit.color('muted')}) -
        frame.small + 4;
  }
  return y + 2;
};

// Writes a paragraph at a vertical position; returns the position below it.
kit.paragraph = (frame, y, text, style = {}) => {
  if (!text) return y;
  const size = style.size || frame.small;
  const x = style.x || 2;
  const lines = kit.wrapped(frame, text, (style.width || frame.width - x) - 4, size, style.weight);
  return kit.lines(
             frame.svg, frame, x, y + size, lines,
             Object.assign({fill: kit.color('muted')}, style, {size})) -
      size + Math.round(size * 0.5);
};

// ----------------------------------------------------------------- Export

// Characters that a name may have and XML may not.
const NOT_XML = new RegExp(
    [
      '[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\ufffe\\uffff]',
      '[\\ud800-\\udbff](?![\\udc00-\\udfff])', '(?<![\\ud800-\\udbff])[\\udc00-\\udfff]'
    ].join('|'),
    'g');

const KEPT = [
  'fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray',
  'stroke-linejoin', 'paint-order', 'opacity', 'font-family', 'font-size', 'font-weight',
  'text-anchor'
];

// Free space around an exported chart, px.
const MARGIN = 16;

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
    for (const name
             of ['class', 'tabindex', 'data-key', 'data-figure', 'style', 'role', 'aria-valuenow',
                 'aria-valuemin', 'aria-valuemax', 'aria-valuetext', 'aria-orientation']) {
      target.removeAttribute(name);
    }
  });
  for (const node of unseen) node.remove();
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('role', 'img');
  const family = copy.getAttribute('font-family') || '';
  if (!/sans-serif\s*$/.test(family))
    copy.setAttribute('font-family', (family ? family + ', ' : '') + 'sans-serif');
  const width = Number(svg.getAttribute('width')) + 2 * MARGIN,
        height = Number(svg.getAttribute('height')) + 2 * MARGIN;
  copy.setAttribute('width', width);
  copy.setAttribute('height', height);
  copy.setAttribute('viewBox', [-MARGIN, -MARGIN, width, height].join(' '));
  if (options.background !== false) {
    const probe = document.createElement('span');
    probe.style.color = kit.color('surface');
    (svg.parentNode || document.body).appendChild(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    rect.setAttribute('x', -MARGIN);
    rect.setAttribute('y', -MARGIN);
    rect.setAttribute('width', width);
    rect.setAttribute('height', height);
    rect.setAttribute('fill', color);
    copy.insertBefore(rect, copy.firstChild);
  }
  return '<?xml version="1.0" encoding="UTF-8"?>\n' +
      new XMLSerializer().serializeToString(copy).replace(NOT_XML, '') + '\n';
};
})();
