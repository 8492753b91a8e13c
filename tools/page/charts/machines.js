// Several machines side by side: one small chart per figure, each machine a bar
// with its range.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

const PANELS = [
  {
    key: 'energy',
    title: (work) => 'energy per ' + work,
    unit: 'J',
    color: 'series-1',
    of: (r) => [r.energy_per_token_j, r.energy_per_token_j_low, r.energy_per_token_j_high]
  },
  {
    key: 'time',
    title: () => 'time per step',
    unit: 's',
    color: 'series-5',
    of: (r) => [r.step_time_s, r.step_time_s_low, r.step_time_s_high]
  },
  {
    key: 'throughput',
    title: (work) => work + 's per second and chip',
    unit: '',
    color: 'series-3',
    of: (r) => [kit.number(r.tokens_per_s, 0) / Math.max(1, kit.number(r.num_chips, 1))]
  },
  {
    key: 'power',
    title: () => 'power of all chips',
    unit: 'W',
    color: 'series-4',
    of: (r) => [r.power_w]
  },
];

// Numbers here are not figures to explain: the page explains those of its own machine.
// Options: panels, keys of the figures to show (default all: energy, time,
// throughput, power).
kit.chart('machines', (frame, study) => {
  const rows = study ? kit.items(study.rows) : [];
  const left = study ? kit.items(study.left_out) : [];
  const leftWords =
      left.map((row) => kit.name(row.hardware) + ' (' + kit.name(row.reason) + ')').join('; ');
  if (rows.length === 0)
    return 'There is no machine to show' + (leftWords ? ': ' + leftWords : '') + '.';
  const work = kit.work(rows[0]);
  let y = kit.begin(frame, 'Machines side by side');
  const wanted = frame.options.panels;
  const panels = PANELS.filter((panel) => !wanted || wanted.includes(panel.key));
  const side = frame.width >= 900;
  const gap = 28, width = side ? (frame.width - gap) / 2 : frame.width;
  let bottom = y;
  for (let i = 0; i < panels.length; i += side ? 2 : 1) {
    const pair = panels.slice(i, i + (side ? 2 : 1));
    bottom = d3.max(pair.map(
        (panel, k) =>
            drawPanel(frame, rows, panel, work, {top: y, left: k * (width + gap), width})));
    y = bottom + 10;
  }
  const misses = rows.filter((r) => r.fits === false).map((r) => kit.name(r.hardware));
  if (misses.length)
    bottom = kit.paragraph(
        frame, bottom, 'Outlined: does not fit in memory (' + misses.join(', ') + ').');
  if (leftWords) bottom = kit.paragraph(frame, bottom, 'Left out: ' + leftWords + '.');
  frame.height = bottom;
});

const drawPoint = (g, where, value, [low, high], color, misses) => {
  if (kit.hasRange(value, low, high) && low > 0) {
    kit.bar(g, where, low, high, {fill: color, opacity: 0.3, share: 0.5});
  }
  kit.disc(g, where.x(value), where.middle, where.height * 0.38, color, misses);
};

const drawPanel = (frame, rows, panel, work, place) => {
  const color = kit.color(panel.color);
  const title = panel.title(work);
  // Bars where lengths can be compared; points on a logarithmic axis where the
  // smallest would vanish beside the largest.
  const sizes =
      rows.map((report) => kit.number(panel.of(report)[0], 0)).filter((value) => value > 0);
  const log = sizes.length > 1 && d3.max(sizes) > 20 * d3.min(sizes);
  const bars = rows.map((report, i) => {
    const [value, low, high] = panel.of(report);
    const shown = kit.number(value, 0), misses = report.fits === false;
    const text = kit.range(value, low, high, panel.unit);
    return {
      label: kit.name(report.hardware),
      value: text,
      draw: (g, where) => {
        if (log) {
          if (shown > 0) drawPoint(g, where, shown, [low, high], color, misses);
          return;
        }
        kit.bar(g, where, 0, shown, {
          fill: color,
          opacity: misses ? 0.12 : 1,
          stroke: misses ? color : null,
          dash: misses ? '3 2' : null
        });
        if (kit.hasRange(value, low, high)) kit.whisker(g, where, low, high);
      },
      mark: {
        key: panel.key + '-' + i,
        name: kit.name(report.hardware) + ', ' + title + ': ' + text,
        lines: [
          typeof report.evidence === 'string' && report.evidence ? 'evidence: ' + report.evidence :
                                                                   '',
          misses ? 'does not fit in memory' : ''
        ]
      },
    };
  });
  const values = rows.flatMap(panel.of).concat(log ? [] : 0);
  const heading = [{heading: title}];
  return kit.rows(frame, heading.concat(bars), {
    top: place.top,
    left: place.left,
    width: place.width,
    values,
    log,
    zero: true,
    unit: panel.unit,
    title
  });
};
})();
