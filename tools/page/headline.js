// The answer in short: whether it fits, energy and time per token, speed, the
// share of the memory, the evidence; and the boundary switch.
(function(tokenjoule) {
  'use strict';

  const {state, format} = tokenjoule;
  const {el, fill, figure} = tokenjoule.dom;

  const EVIDENCE = {
    'fitted': ['fitted', 'Fitted'],
    'runtime fitted elsewhere': ['elsewhere', 'Fitted elsewhere'],
    'assumed': ['assumed', 'Assumed'],
    'design': ['assumed', 'Design'],
  };

  // Time of one token of a sequence, s: a step gives each sequence one token, or
  // more with speculation.
  function timePerToken(report, step) {
    return step / (report.tokens_per_sequence_step || 1);
  }

  function unitOf(report) {
    return report.work_unit || 'token';
  }

  // Share of the memory devices in the energy inside the boundary, with its
  // range, or null where it has no meaning.
  function memoryShare(report) {
    const at = (report.dram_share_by_boundary || [])
        .find((one) => one.boundary === report.scenario.boundary);
    if (at) {
      return {
        name: 'DRAM', value: at.stack_energy_share, low: at.stack_energy_share_low,
        high: at.stack_energy_share_high, path: at.dram_energy_share,
        pathLow: at.dram_energy_share_low, pathHigh: at.dram_energy_share_high,
        inside: at.boundary, figure: at.boundary === 'board' ? 'stack_energy_share' : null,
      };
    }
    const other = report.memory_share;
    if (!other || !other.memory) return null;
    return {
      name: other.memory, value: other.energy_share, low: other.energy_share_low,
      high: other.energy_share_high, path: other.with_path, pathLow: other.with_path_low,
      pathHigh: other.with_path_high, inside: 'board', figure: null,
    };
  }

  // The figures of the headline: name for `explain`, label, and value, range and
  // what is said beside them of a report.
  const FIGURES = [
    {
      name: () => 'energy_per_token_j',
      label: (report) => 'Energy per ' + unitOf(report),
      value: (report) => format.si(report.energy_per_token_j, 'J'),
      range: (report) => format.range(
          report.energy_per_token_j_low, report.energy_per_token_j_high, 'J'),
      size: (report) => report.energy_per_token_j,
      beside: (report) => 'at the ' + format.boundary(report.scenario.boundary),
    },
    {
      name: () => 'step_time_s',
      label: (report) => 'Time per ' + unitOf(report),
      value: (report) => format.si(timePerToken(report, report.step_time_s), 's'),
      range: (report) => format.range(timePerToken(report, report.step_time_s_low),
          timePerToken(report, report.step_time_s_high), 's'),
      size: (report) => timePerToken(report, report.step_time_s),
      beside: (report) => bindingOf(report),
    },
    {
      name: () => 'tokens_per_s',
      label: (report) => 'Speed per user',
      value: (report) => format.number(1 / timePerToken(report, report.step_time_s)) + ' ' +
          unitOf(report) + 's/s',
      range: (report) => numberRange(1 / timePerToken(report, report.step_time_s_high),
          1 / timePerToken(report, report.step_time_s_low)),
      size: (report) => 1 / report.step_time_s * (report.tokens_per_sequence_step || 1),
      beside: (report) => report.scenario.batch === 1 ? '1 sequence' :
          'each of ' + format.number(report.scenario.batch) + ' sequences',
    },
    {
      name: () => 'tokens_per_s',
      label: (report) => 'Throughput per chip',
      value: (report) => format.number(report.tokens_per_s / report.num_chips) + ' ' +
          unitOf(report) + 's/s',
      range: (report) => numberRange(
          report.tokens_per_s / report.num_chips * report.step_time_s / report.step_time_s_high,
          report.tokens_per_s / report.num_chips * report.step_time_s / report.step_time_s_low),
      size: (report) => report.tokens_per_s / report.num_chips,
      beside: (report) => format.number(report.num_chips) +
          (report.num_chips === 1 ? ' chip' : ' chips') + ', ' + format.si(report.power_w, 'W'),
    },
  ];

  function numberRange(low, high) {
    const first = format.number(low), last = format.number(high);
    return first === last || !format.known(low) || !format.known(high) ? '' :
        first + ' to ' + last;
  }

  function bindingOf(report) {
    const times = (report.time_by_bound || []).filter((one) => one.time_s > 0);
    const at = times.find((one) => one.bound === report.bound);
    if (!at) return '';
    const sum = times.reduce((total, one) => total + one.time_s, 0);
    return format.percent(at.time_s / sum) + ' ' + report.bound.toLowerCase() + '-bound';
  }

  function setupText(report) {
    const scenario = report.scenario;
    const chips = [['tp', scenario.tp], ['pp', scenario.pp], ['ep', scenario.ep],
                   ['dp', scenario.dp]].filter(([, n]) => n > 1)
        .map(([name, n]) => name + ' ' + n).join(', ');
    const parts = [
      report.num_chips + (report.num_chips === 1 ? ' chip' : ' chips') +
          (chips ? ' (' + chips + ')' : ''),
      report.runtime ? 'served by ' + report.runtime : '',
      'batch ' + format.number(scenario.batch),
      report.work_unit === 'inference' ? '' : 'context ' + format.whole(scenario.context),
      scenario.prompt > 0 ? 'prompts of ' + format.whole(scenario.prompt) + ' and outputs of ' +
          format.whole(scenario.output) + ' tokens' : '',
      scenario.weights ? scenario.weights + ' weights' : '',
      scenario.kv ? scenario.kv + ' KV cache' : '',
      scenario.activations ? scenario.activations + ' activations' : '',
      scenario.ideal ? 'pure roofline' : '',
    ];
    return parts.filter((part) => part).join(', ');
  }

  // The field stops at the largest 32-bit number.
  const MOST_BATCH = 2147483647;

  function largestBatch(report) {
    if (report.max_batch >= MOST_BATCH) return 'so does any batch';
    return [unitOf(report) === 'token' ? 'largest batch at this context ' : 'largest batch ',
      figure('max_batch', format.whole(report.max_batch))];
  }

  function verdict(report) {
    const used = format.si(report.memory_used_bytes, 'B');
    const usable = format.si(report.memory_usable_bytes, 'B');
    if (report.fits) {
      return el('p', {class: 'verdict fits'}, el('strong', {}, 'Fits'),
          ' ' + used + ' of ' + usable + ' usable; ', largestBatch(report));
    }
    return el('p', {class: 'verdict not'}, el('strong', {}, 'DOES NOT FIT'),
        ' It needs ' + used + ', and ' + usable + ' are usable' + (report.max_batch > 0 ?
            '; the largest batch at this context is ' + format.whole(report.max_batch) + '.' :
            '; not even one sequence fits.'));
  }

  // Changes that make it fit, as buttons.
  function remedies(report, which) {
    if (report.fits || tokenjoule.recorded) return null;
    const apply = (flag, value, text) => el('button', {
      type: 'button', class: 'button', onclick: () => state.set(which + '.' + flag, (study) => {
        study[which][flag] = value;
      }),
    }, text);
    const buttons = [];
    if (report.max_batch >= 1) {
      buttons.push(apply('batch', String(report.max_batch), 'Batch ' + report.max_batch));
    }
    let tp = report.scenario.tp;
    while (tp < 64 &&
           report.memory_used_bytes > report.memory_usable_bytes * tp / report.scenario.tp) tp *= 2;
    buttons.push(apply('tp', String(tp), tp + ' chips (tp ' + tp + ')'));
    for (const warning of report.warnings || []) {
      const found = /--offload=([\w:,]*\w)/.exec(warning);
      if (found) buttons.push(apply('offload', found[1], 'Offload ' + found[1]));
    }
    return el('p', {class: 'remedies'}, 'Try: ', buttons);
  }

  function badge(report) {
    const [name, title] = EVIDENCE[report.evidence] || ['assumed', report.evidence || 'Unknown'];
    return el('p', {class: 'evidence'},
        el('span', {class: 'badge ' + name}, title), ' ',
        // "Fitted to 38 rows", not "Fitted fitted to 38 rows".
        name === 'fitted' ? report.evidence_note.replace(/^fitted /, '') :
        report.evidence_note || 'the machine’s own constants are all there is');
  }

  // A share with its range as a band on a line from 0 to 100 %.
  function band(share) {
    const bar = el('div', {class: 'band', 'aria-hidden': 'true'},
        el('div', {class: 'extent'}), el('div', {class: 'at'}));
    const low = format.known(share.low) ? share.low : share.value;
    const high = format.known(share.high) ? share.high : share.value;
    bar.style.setProperty('--low', (100 * low) + '%');
    bar.style.setProperty('--width', (100 * (high - low)) + '%');
    bar.style.setProperty('--at', (100 * share.value) + '%');
    return bar;
  }

  function shareFigure(reports) {
    const shares = reports.map((report) => report.fits ? memoryShare(report) : null);
    if (shares.every((share) => !share)) return null;
    const name = (shares.find((share) => share) || {}).name;
    return el('div', {class: 'metric share'},
        el('div', {class: 'label'}, name + ' share of energy'),
        shares.map((share, i) => share === null ? null : el('div', {class: 'value-row'},
            reports.length > 1 ? el('span', {class: 'which'}, 'AB'[i]) : null,
            share.figure ?
                figure(share.figure, format.percent(share.value), {class: 'figure value'}) :
                el('span', {class: 'value'}, format.percent(share.value)),
            el('span', {class: 'range'}, format.percentRange(share.low, share.high)))),
        shares.map((share) => share ? band(share) : null),
        shares[0] && shares[0].path > 0 && shares[0].inside !== 'memory_path' ?
            el('div', {class: 'beside'}, 'at the ' + format.boundary(shares[0].inside) + '; ' +
                format.percent(shares[0].path) + ' with memory path') :
            shares[0] ? el('div', {class: 'beside'}, 'at the ' +
                format.boundary(shares[0].inside)) : null);
  }

  // A value with its unit in smaller type.
  function valued(text) {
    const at = text.search(/[\s\u00a0]\D*$/);
    return at < 0 ? text : [text.slice(0, at), el('span', {class: 'unit'}, text.slice(at))];
  }

  function metric(one, reports) {
    const values = reports.map((report, i) => el('div', {class: 'value-row'},
        reports.length > 1 ? el('span', {class: 'which'}, 'AB'[i]) : null,
        report.fits ? [
          figure(one.name(), valued(one.value(report)), {class: 'figure value'}),
          el('span', {class: 'range'}, one.range(report)),
        ] : [
          el('span', {class: 'value none', 'aria-label': 'none: it does not fit'}, '–'),
        ]));
    const both = reports.length > 1 && reports.every((report) => report.fits);
    return el('div', {class: 'metric'}, el('div', {class: 'label'}, one.label(reports[0])), values,
        el('div', {class: 'beside'}, both ?
            'B is ' + format.times(one.size(reports[1]) / one.size(reports[0])) + ' A' :
            reports.length === 1 && reports[0].fits ? one.beside(reports[0]) :
            reports.length === 1 ? 'does not run' : ''));
  }

  function messages(report, prefix) {
    // The verdict says already that it does not fit, and what would help.
    const warnings = (report.warnings || []).filter((text) => !/^does not fit/.test(text)).map(
        (text) => el('li', {class: 'warning'}, prefix, el('strong', {}, 'Warning: '), text));
    const notes = (report.notes || []).map(
        (text) => el('li', {class: 'note'}, prefix, 'Note: ', text));
    return warnings.concat(notes);
  }

  function mixed(report) {
    if (!(report.time_to_first_token_s > 0)) return null;
    return el('p', {class: 'mixed'}, 'Between tokens ' + format.si(report.pure_step_time_s, 's') +
        '; ' + format.si(report.admitting_step_time_s, 's') + ' in the ' +
        format.percent(report.admitting_share) + ' of steps that admit prompts; first token ' +
        format.si(report.time_to_first_token_s, 's') + ' after a prompt is admitted.');
  }

  // What a million tokens take, in a sentence.
  function costs(report) {
    const cost = (report.costs || {}).per_million_tokens;
    if (!cost || !report.fits) return null;
    const parts = [
      format.known(cost.price) ? 'a price of ' + format.number(cost.price) : '',
      format.si(1000 * cost.electricity_kwh, 'Wh') + ' of electricity at the facility',
      format.known(cost.co2e_g) ? format.si(cost.co2e_g, 'g') + ' CO₂e' : '',
    ].filter((part) => part);
    return el('p', {class: 'mixed'},
        'A million ' + unitOf(report) + 's: ' + parts.join(', ') + '.');
  }

  // Draws the answer of one scenario, or of two.
  function draw(host, reports) {
    const two = reports.length > 1;
    const focused = host.contains(document.activeElement) ?
        [...host.querySelectorAll('button')].indexOf(document.activeElement) : -1;
    fill(host,
        reports.map((report, i) => el('div', {class: 'who'},
            el('h2', {}, two ? el('span', {class: 'which'}, 'AB'[i]) : null,
                el('span', {class: 'model'}, report.model), ' on ',
                el('span', {class: 'machine'}, report.hardware)),
            el('p', {class: 'with'}, setupText(report)),
            verdict(report), remedies(report, 'ab'[i]))),
        el('div', {class: 'metrics'}, FIGURES.map((one) => metric(one, reports)),
            shareFigure(reports)),
        two ? null : [mixed(reports[0]), costs(reports[0])],
        reports.map((report, i) => el('div', {class: 'trust'},
            two ? el('span', {class: 'which'}, 'AB'[i]) : null, badge(report))),
        el('ul', {class: 'messages'}, reports.map((report, i) => messages(report,
            two ? el('span', {class: 'which'}, 'AB'[i]) : null))));
    if (focused >= 0) {
      const buttons = host.querySelectorAll('button');
      if (buttons[focused]) buttons[focused].focus();
    }
  }

  // The answer in a sentence, for those who hear it.
  function spoken(report) {
    return report.model + ' on ' + report.hardware + (report.fits ? ': ' +
        format.si(report.energy_per_token_j, 'J') + ' per ' + unitOf(report) + ' at the ' +
        format.boundary(report.scenario.boundary) + ', ' +
        format.si(timePerToken(report, report.step_time_s), 's') : ' does not fit') + '.';
  }

  // The boundary switch: made once, so that it keeps the focus.
  const radios = new Map();

  function startBoundary(host) {
    const choices = format.boundaries.map((name) => {
      const input = el('input', {
        type: 'radio', name: 'boundary', value: name,
        onchange: () => state.set('boundary', (study) => {
          study.boundary = name;
        }),
      });
      const energy = el('span', {class: 'energy'});
      radios.set(name, {input, energy});
      return el('label', {}, input, el('span', {class: 'choice'},
          el('span', {class: 'name'}, format.boundary(name)), energy));
    });
    fill(host, el('fieldset', {class: 'segments'},
        el('legend', {}, 'Boundary: what is counted'), choices),
        el('p', {class: 'hint', id: 'boundary-about'}));
  }

  const ABOUT = {
    stack: 'The DRAM devices alone.',
    memory_path: 'The DRAM devices and the path from them into the chip: PHY, controller, fabric.',
    chip: 'All dynamic energy: memory, its path, on-chip wires and SRAM, arithmetic, links.',
    board: 'What a power sensor on the board measures: the chip with idle power and regulators.',
    node: 'The server: each board with its share of the host, network cards, fans and supplies.',
    facility: 'The data centre: the server with cooling and power distribution.',
  };

  function drawBoundary(reports) {
    const report = reports[0];
    for (const [name, {input, energy}] of radios) {
      input.checked = state.study.boundary === name;
      const at = report && report.fits ? (report.energy_by_boundary || [])
          .find((one) => one.boundary === name) : null;
      energy.textContent = at ? format.si(at.energy_per_token_j, 'J') : '';
    }
    document.getElementById('boundary-about').textContent = ABOUT[state.study.boundary];
    if (!tokenjoule.recorded) return;
    const recorded = tokenjoule.recordedBoundaries();
    document.getElementById('boundary').hidden = recorded.size < 2;
    for (const [name, {input}] of radios) input.disabled = !recorded.has(name);
  }

  tokenjoule.headline = {draw, spoken, startBoundary, drawBoundary, timePerToken, unitOf};
})(window.tokenjoule);
