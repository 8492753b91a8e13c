// Ways of serving some traffic, ranked: energy or money of a request, with what idle
// replicas take.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// A way in a few words: machine, formats, how chips share the model.
const wayOf = (row) => {
  const ways = ['tp', 'pp', 'ep']
                   .filter((way) => kit.number(row[way], 1) > 1)
                   .map((way) => way + ' ' + kit.digits(row[way]));
  return [kit.name(row.hardware)]
      .concat(ways, row.weights, row.runtime)
      .filter((part) => typeof part === 'string' && part !== '')
      .join(', ');
};

const count = (number, noun) => kit.digits(number, 6) + ' ' + noun + (number === 1 ? '' : 's');

const sizeOf = (row) => count(kit.number(row.replicas, 0), 'replica') + ', ' +
    count(kit.number(row.chips, 0), 'chip') + ', batch ' + kit.digits(row.batch) + ', ' +
    kit.si(kit.number(row.time_per_token_ms, NaN) / 1e3, 's') + ' per token';

// Options: count, how many ways (default 12).
kit.chart('plan', (frame, study) => {
  const money = study && study.objective === 'money';
  const figure = (row) => money ?
      priceOf(row) :
      [row.energy_per_request_j, row.energy_per_request_j_low, row.energy_per_request_j_high];
  const all = study ? kit.items(study.rows).filter((row) => kit.number(figure(row)[0], 0) > 0) : [];
  if (all.length === 0) return 'No way of serving this traffic is within its limits.';
  const shown = all.slice(0, kit.number(frame.options.count, 12));
  const unit = money ? '' : 'J',
        title = money ? 'price per million requests' : 'energy per request';
  const color = kit.color('series-1');
  let y = kit.begin(frame, 'Ways of serving the traffic by ' + title);
  // Idle time has its energy told apart; of a price it has not.
  const idle = (row) => money ? 0 : kit.number(row.idle_energy_share, 0);
  if (shown.some((row) => idle(row) > 0)) {
    y = kit.legend(frame, y, [
      {name: 'at work', fill: color},
      {name: 'while replicas idle', fill: color, opacity: 0.25, stroke: color, dash: '3 2'}
    ]);
  }
  const rows = shown.map((row, i) => {
    const [value, low, high] = figure(row), label = wayOf(row), work = value * (1 - idle(row));
    const text = kit.range(value, low, high, unit);
    return {
      label,
      value: text,
      note: sizeOf(row),
      draw: (g, place) => {
        kit.bar(g, place, 0, work, {fill: color});
        if (idle(row) > 0) {
          kit.bar(g, place, work, value, {fill: color, opacity: 0.25, stroke: color, dash: '3 2'});
        }
        if (kit.hasRange(value, low, high)) kit.whisker(g, place, low, high);
      },
      mark: {
        key: 'way-' + i,
        name: label + ', ' + title + ': ' + text,
        lines: [
          sizeOf(row), 'busy ' + kit.percent(row.busy_share) + ' of the time',
          idle(row) > 0 ? kit.percent(idle(row)) + ' of the energy while replicas idle' : '',
          typeof row.evidence === 'string' ? 'evidence: ' + row.evidence : ''
        ]
      }
    };
  });
  const values = shown.flatMap(figure).concat(0);
  y = kit.rows(frame, rows, {top: y, values, zero: true, unit, title});
  const rest = all.length - shown.length;
  frame.height = rest > 0 ? kit.paragraph(frame, y, 'and ' + count(rest, 'more way') + '.') : y;
});

// Of a million requests, in the currency of the prices: of one it is a small fraction.
const priceOf = (row) => {
  const request = row.per_request || {};
  return [request.price, request.price_low, request.price_high].map(
      (price) => kit.number(price, NaN) * 1e6);
};
})();
