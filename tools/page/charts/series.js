// Series of a batch study, for the charts that draw them.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// Series of a batch study, each with its name: what tells it from the others.
kit.seriesOf = (study) => {
  let series = study ? kit.items(study.series) : [];
  if (series.length === 0 && study && kit.list(study.rows).length) {
    const first = study.rows[0] || {};
    series = [{
      model: first.model,
      hardware: first.hardware,
      limits: study.limits,
      rows: study.rows,
      context: first.scenario && first.scenario.context
    }];
  }
  return series.map((s) => Object.assign({}, s, {rows: kit.items(s.rows)}))
      .filter((s) => s.rows.length > 0);
};

const differing = (series, of) => new Set(series.map(of)).size > 1;

// Their names: their own label, or what tells them apart.
kit.nameSeries = (series) => {
  const parts = [
    [(s) => kit.name(s.model)], [(s) => kit.name(s.hardware)],
    [(s) => (kit.number(s.context, 0) > 0 ? 'context ' + kit.digits(s.context, 7) : '')],
    [(s) => (kit.number(s.batch, 0) > 0 ? 'batch ' + kit.digits(s.batch, 6) : '')]
  ].filter(([of]) => differing(series, of));
  return series.map(
      (s) => typeof s.label === 'string' ? s.label :
                                           parts.map(([of]) => of(s)).filter(Boolean).join(', '));
};

// Their strokes: colours that are told apart or, where series are many and differ
// by one number, shades in the order of that number.
kit.strokesOf = (series, names) => {
  const steps = series.length > 4 && names.every((name) => /^(batch|context) [\d\s]+$/.test(name));
  if (!steps) return series.map((_, i) => kit.series(i));
  return series.map(
      (_, i) => ({
        color: d3.rgb(d3.interpolatePlasma(0.25 + (0.55 * i) / (series.length - 1))).hex(),
        dash: null
      }));
};

kit.batchOf = (row) => kit.number(row.scenario && row.scenario.batch, 1);
})();
