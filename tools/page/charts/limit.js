// A limit on the time per token as a line across a chart whose horizontal axis is
// speed, which pointer and keys move.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// One press of an arrow key.
const STEP = 1.05;
const STEPS = {
  ArrowRight: STEP,
  ArrowUp: STEP,
  ArrowLeft: 1 / STEP,
  ArrowDown: 1 / STEP
};

// Draws the limit into a plot: `limit` has the key of its handle, slowest (the
// least speed, per second; 0: no limit) and work. What is too slow is shaded.
// With the option onLimit(ms) it is a slider: by pointer, and by arrow keys in steps
// of five per cent; Home removes it.
kit.limit = (frame, plot, limit) => {
  const {slowest} = limit;
  if (!(slowest > 0) && !frame.options.onLimit) return;
  const [x0, x1] = plot.x.range(), {top, bottom} = plot.area;
  const at = Math.max(x0, Math.min(slowest > 0 ? plot.x(slowest) : x0, x1));
  if (at > x0) rect(plot.body, x0, top, at - x0, bottom - top, 'muted', 0.13);
  const g = plot.body.append('g');
  kit.vertical(g, at, top, bottom, {width: 2});
  if (!frame.options.onLimit) return;
  const wide = frame.font * 0.6;
  rect(g, at - 12, top, 24, bottom - top, 'ink', 0).attr('class', 'tj-hit');
  rect(g, at - wide / 2, (top + bottom) / 2 - 14, wide, 28, 'ink', 1)
      .attr('rx', 3)
      .attr('stroke', kit.color('surface'));
  nameSlider(frame, g, plot, limit);
  g.on('keydown', () => pressed(frame, plot, slowest));
  g.on('pointerdown', () => {
    d3.event.preventDefault();
    g.node().focus({preventScroll: true});
    drag(frame, plot);
  });
};

const rect = (parent, x, y, width, height, color, opacity) => parent.append('rect')
                                                                  .attr('x', kit.round(x))
                                                                  .attr('y', kit.round(y))
                                                                  .attr('width', kit.round(width))
                                                                  .attr('height', kit.round(height))
                                                                  .attr('fill', kit.color(color))
                                                                  .attr('fill-opacity', opacity);

const nameSlider = (frame, g, plot, {key, slowest, work}) => {
  const text = slowest > 0 ? 'at most ' + kit.si(1 / slowest, 's') + ' per ' + work : 'no limit';
  const [least, most] = plot.x.domain();
  kit.mark(
      frame, g,
      {key: 'limit-' + key, name: 'limit on the time per ' + work, apart: true, lines: [text]});
  g.attr('class', 'tj-mark tj-handle')
      .attr('role', 'slider')
      .attr('aria-orientation', 'horizontal')
      .attr('aria-valuemin', kit.round(least))
      .attr('aria-valuemax', kit.round(most))
      .attr('aria-valuenow', kit.round(slowest))
      .attr('aria-valuetext', text);
};

// The slowest speed that is a limit: the axis may begin at 0.
const leastOf = (plot) => Math.max(plot.x.domain()[0], plot.x.domain()[1] / 100);

const set = (frame, plot, speed) => {
  const most = plot.x.domain()[1];
  const ms = speed > leastOf(plot) ? Number((1e3 / Math.min(speed, most)).toPrecision(3)) : null;
  frame.redraw({limitMs: ms});
  frame.options.onLimit(ms);
};

const pressed = (frame, plot, slowest) => {
  const step = STEPS[d3.event.key];
  if (!step && d3.event.key !== 'Home') return;
  d3.event.preventDefault();
  if (!step) return set(frame, plot, 0);
  if (slowest > 0 || step > 1) set(frame, plot, Math.max(slowest, leastOf(plot)) * step);
};

// Follows the pointer wherever it goes until it is let go. The chart is drawn again
// meanwhile, so that nothing of the drawing is kept but its scale.
const drag = (frame, plot) => {
  const [x0, x1] = plot.x.range();
  const moved = (event) => {
    const box = frame.host.querySelector('svg').getBoundingClientRect();
    const x = ((event.clientX - box.left) * frame.width) / box.width;
    set(frame, plot, plot.x.invert(Math.max(x0, Math.min(x, x1))));
  };
  const done = () => {
    window.removeEventListener('pointermove', moved);
    window.removeEventListener('pointerup', done);
    window.removeEventListener('pointercancel', done);
  };
  window.addEventListener('pointermove', moved);
  window.addEventListener('pointerup', done);
  window.addEventListener('pointercancel', done);
};
})();
