// The views: which questions each asks, and which charts and tables draw the
// answers. A view is a list of panels; a panel asks one question and draws one
// answer. Only the view that is shown asks.
(function(tokenjoule) {
  'use strict';

  const {settings, state, tables} = tokenjoule;
  const {el, fill} = tokenjoule.dom;

  // Batches and contexts of curves, and parallelism of the trade-offs.
  const BATCHES = '1:4096:x2';
  const CONTEXTS = '256:262144:x2';
  const CHIPS = [1, 2, 4, 8];

  // Machines beside the chosen one, as a start.
  const OTHER_MACHINES = ['b200', 'mi300x', 'gaudi3'];

  // What a plan chooses, or does not take.
  const PLANNED = ['hardware', 'pipeline', 'runtime', 'weights', 'batch', 'context', 'tp', 'pp',
    'ep', 'dp', 'offload', 'host', 'split', 'static-batch', 'set', 'scenario', 'clock-mhz',
    'power-cap-w'];

  // What a setting is in the answer, for a mark in a chart; a report has no setup.
  function number(name) {
    return shownReport && !tokenjoule.recorded ? shownReport.scenario[name] : undefined;
  }

  // Whether the rows of an answer differ in a field of their scenario.
  function varies(name) {
    return (answer) => new Set((answer.rows || []).concat(
        ...(answer.series || []).map((one) => one.rows || []))
        .map((row) => row.scenario[name])).size > 1;
  }

  // The machines that are laid side by side, with commas.
  function machineNames() {
    const own = state.merged(state.study.editing).hardware || '';
    return state.study.asked.machines ||
        [...new Set([own].concat(OTHER_MACHINES))].filter((name) => name).join(',');
  }

  // What a view asks for besides the setup, as flags.
  function asked(...names) {
    const flags = {};
    for (const name of names) {
      if (state.study.asked[name]) flags[name] = state.study.asked[name];
    }
    return flags;
  }

  function setAsked(name, value) {
    state.set('asked.' + name, (study) => {
      if (value) study.asked[name] = value;
      else delete study.asked[name];
    });
  }

  function setLimit(ms) {
    setAsked('max-time-per-token-ms', ms > 0 ? String(Number(ms.toPrecision(3))) : '');
  }

  // ---- Views

  const summary = (answer) => el('p', {class: 'summary'}, answer.summary);

  const overBatch = () => Object.assign({batch: BATCHES}, asked('max-time-per-token-ms'));
  const overContext = () => ({context: CONTEXTS});

  function planFlags() {
    return Object.assign({'requests-per-s': '10'}, asked('requests-per-s',
        'max-time-per-token-ms', 'max-time-to-first-token-ms', 'objective'));
  }

  // A panel of the answer that the headline shows.
  const ofAnalyze = (panel) => Object.assign({subcommand: 'analyze'}, panel);

  // Views: name, title, and what they ask for besides the setup (settings.asked).
  //
  // Panels: title; subcommand with more() flags and without those that it omits, or
  // gather() for several questions, or comparison for both scenarios; chart, the name
  // of a chart, with its options(), and words where it draws a table; before, after
  // and table (folded away): nodes of the answer; shows(answer), whether there is
  // anything to show. Panels stand in the left column, in the right one (side) or
  // across both (wide).
  const VIEWS = [
    {
      name: 'energy', title: 'Where a joule goes', panels: [
        ofAnalyze({title: 'Energy by term', chart: 'energyBar', table: tables.terms,
          after: tables.factored}),
        ofAnalyze({title: 'From a token to bytes, FLOP and time', chart: 'energySankey',
          side: true}),
        ofAnalyze({title: 'Memory share at each boundary', chart: 'dramShare', side: true,
          table: tables.shares}),
      ],
    },
    {
      name: 'compare', title: 'A and B', two: true, panels: [
        {title: 'What changed the energy', comparison: true, subcommand: 'compare',
          before: tables.differences, chart: 'compareWaterfall',
          options: () => ({nameA: 'A', nameB: 'B'})},
        {title: 'By cause', comparison: true, subcommand: 'compare', side: true,
          chart: 'compareWaterfall', options: () => ({nameA: 'A', nameB: 'B', by: 'cause'})},
        {title: 'Term by term', comparison: true, subcommand: 'compare', wide: true,
          after: tables.comparison},
      ],
    },
    {
      name: 'levers', title: 'What could change it', panels: [
        {title: 'Ceiling: what remains if a part were free', subcommand: 'ceiling',
          before: summary, chart: 'ceiling'},
        {title: 'Sensitivity: each constant over its range', subcommand: 'sensitivity',
          chart: 'tornado'},
        {title: 'Tricks: known and proposed savings', subcommand: 'tricks',
          more: () => asked('max-time-per-token-ms'), side: true, before: summary,
          chart: 'tricks'},
      ],
    },
    {
      name: 'curves', title: 'Batch and context', asks: ['max-time-per-token-ms'], panels: [
        {title: 'Energy over batch', subcommand: 'batch', more: overBatch, chart: 'curves',
          options: () => ({x: 'batch', marker: number('batch')}), shows: varies('batch')},
        {title: 'Time over batch', subcommand: 'batch', more: overBatch, chart: 'curves',
          options: () => ({x: 'batch', y: 'time', marker: number('batch')}),
          shows: varies('batch')},
        {title: 'Energy over context', subcommand: 'batch', more: overContext, side: true,
          chart: 'curves', options: () => ({x: 'context', marker: number('context')}),
          shows: varies('context')},
        {title: 'Time over context', subcommand: 'batch', more: overContext, side: true,
          chart: 'curves',
          options: () => ({x: 'context', y: 'time', marker: number('context')}),
          shows: varies('context')},
      ],
    },
    {
      name: 'roofline', title: 'Roofline', panels: [
        ofAnalyze({title: 'Rate: what limits each operator', chart: 'roofline'}),
        ofAnalyze({title: 'Energy: what a FLOP takes', chart: 'energyRoofline', side: true}),
      ],
    },
    {
      name: 'tradeoffs', title: 'Speed and energy', asks: ['max-time-per-token-ms'], panels: [
        {title: 'Throughput per chip, and energy, against speed per user', gather: gatherChips,
          recordedAs: 'batch', wide: true, chart: 'pareto', options: limitOptions},
      ],
    },
    {
      name: 'machines', title: 'Machines', asks: ['machines'], panels: [
        ofAnalyze({title: 'The same setup on several machines', rows: true,
          more: () => ({hardware: machineNames()}), omits: ['pipeline'], wide: true,
          before: (answer) => answer.summary ? summary(answer) : null, chart: 'machines',
          after: tables.machines}),
      ],
    },
    {
      name: 'plan', title: 'Plan',
      asks: ['requests-per-s', 'max-time-per-token-ms', 'max-time-to-first-token-ms', 'objective'],
      panels: [
        {title: 'Which machines serve this traffic, and how', subcommand: 'plan',
          omits: PLANNED, more: planFlags, wide: true, before: summary, chart: 'plan',
          after: tables.plan},
      ],
    },
    {
      name: 'memory', title: 'Memory', panels: [
        ofAnalyze({title: 'What fills the memory', chart: 'memoryMap'}),
        ofAnalyze({title: 'Bytes by part', side: true, after: tables.bytes}),
      ],
    },
    {
      name: 'operators', title: 'Operators', panels: [
        ofAnalyze({title: 'The step by operator', wide: true, chart: 'layers', words: true,
          options: sortOptions}),
      ],
    },
    {
      name: 'costs', title: 'Cost', panels: [
        ofAnalyze({title: 'Electricity, money, emissions', wide: true, after: tables.costs}),
      ],
    },
    {
      name: 'front', title: 'Design space', recorded: true, panels: [
        {title: 'The Pareto front', subcommand: 'sweep', wide: true, chart: 'sweep'},
      ],
    },
  ];

  // How the table of operators is sorted, kept while the setup changes.
  let sort = null;

  function sortOptions() {
    return {sort, onSort: (next) => {
      sort = next;
    }};
  }

  function limitOptions() {
    return {limitMs: Number(state.study.asked['max-time-per-token-ms']) || null, onLimit: setLimit};
  }

  // The same setup on 1, 2, 4 and 8 chips of tensor parallelism, and on as many as
  // are set; those that have no answer are said.
  async function gatherChips() {
    const own = Number(state.merged(state.study.editing).tp || 1);
    const all = [...new Set(CHIPS.concat(own))].sort((x, y) => x - y);
    const series = [], missing = [];
    let command = '';
    for (const tp of all) {
      const more = {batch: BATCHES, tp: String(tp), ranges: 'false'};
      try {
        const envelope = await tokenjoule.ask('batch', state.request(state.study.editing, more));
        const first = envelope.answer.rows[0];
        series.push({label: 'tp ' + tp, model: first.model, hardware: first.hardware,
          rows: envelope.answer.rows});
        command = command || envelope.command;
      } catch (fault) {
        if (!(fault instanceof tokenjoule.Fault)) throw fault;
        missing.push('tp ' + tp + ': ' + fault.faults.join('; '));
      }
    }
    if (!series.length) throw new tokenjoule.Fault(missing, 3);
    return {answer: {series, missing}, command};
  }

  // ---- The tabs, and the view that is shown.

  // The answer that the view is about.
  let shownReport = null;

  let tabs, host, shown = '', panels = [], columns = {}, inputs = [];

  // What a report has answers of; several machines side by side are another kind
  // of answer of `analyze`.
  function recordedKinds() {
    return new Set(tokenjoule.recorded.requests.map((one) => one.subcommand +
        (one.subcommand === 'analyze' && one.envelope.answer.rows ? ' rows' : '')));
  }

  function kindOf(spec) {
    return (spec.subcommand || spec.recordedAs) + (spec.rows ? ' rows' : '');
  }

  // Views that have something to show.
  function available() {
    return VIEWS.filter((view) => {
      if (view.two && !state.study.b) return false;
      if (!tokenjoule.recorded) return !view.recorded;
      const has = recordedKinds();
      return view.panels.some((panel) => has.has(kindOf(panel)));
    });
  }

  function select(name) {
    state.set('view', (study) => {
      study.view = name;
    });
  }

  function drawTabs() {
    const views = available();
    const names = views.map((view) => view.name).join(' ');
    if (tabs.dataset.names !== names) {
      tabs.dataset.names = names;
      fill(tabs, el('div', {role: 'tablist', 'aria-label': 'Views', onkeydown: onTabKey},
          views.map((view) => el('button', {
            type: 'button', role: 'tab', id: 'tab-' + view.name, 'aria-controls': 'view',
            'data-view': view.name, onclick: () => select(view.name),
          }, view.title))));
    }
    for (const tab of tabs.querySelectorAll('[role=tab]')) {
      const chosen = tab.dataset.view === state.study.view;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      const list = tab.parentNode;
      if (chosen && list.scrollWidth > list.clientWidth) {
        list.scrollLeft = tab.offsetLeft - list.offsetLeft - 40;
      }
    }
  }

  function onTabKey(event) {
    const all = [...tabs.querySelectorAll('[role=tab]')];
    const at = all.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const tab = all[(to + all.length) % all.length];
    tab.focus();
    select(tab.dataset.view);
  }

  // An input for what the view asks for.
  function askedControl(one) {
    const key = 'asked-' + one.name;
    const change = (event) => setAsked(one.name, event.target.value.replace(/\s+/g, ''));
    const input = one.options ?
        el('select', {id: key, onchange: change},
            one.options.map((option) => el('option', {value: option}, option))) :
        el('input', {type: 'text', id: key, class: one.wide ? 'value wide' : 'value',
          spellcheck: 'false', placeholder: one.usual, onchange: change});
    inputs.push({one, input});
    return el('span', {class: 'asked'}, el('label', {for: key}, one.label), input);
  }

  function refreshInputs() {
    for (const {one, input} of inputs) {
      if (document.activeElement === input) continue;
      const value = state.study.asked[one.name] || '';
      input.value = one.name === 'machines' ? machineNames() :
          one.options && !value ? one.usual : value;
    }
  }

  function build(view) {
    shown = view.name;
    inputs = [];
    for (const panel of panels) panel.slot.cancel();
    const has = tokenjoule.recorded ? recordedKinds() : null;
    panels = view.panels.filter((spec) => !has || has.has(kindOf(spec)))
        .map((spec) => new tokenjoule.Panel(spec, arrange));
    columns = {};
    for (const name of ['main', 'side', 'wide']) {
      columns[name] = el('div', {class: 'column ' + name});
    }
    host.setAttribute('role', 'tabpanel');
    host.setAttribute('aria-labelledby', 'tab-' + view.name);
    host.className = 'view ' + view.name;
    fill(host, el('p', {class: 'which-shown'}),
        view.asks && !tokenjoule.recorded ? el('p', {class: 'asks'}, view.asks
            .map((name) => askedControl(settings.asked.find((one) => one.name === name))),
            view.name === 'tradeoffs' ?
                el('span', {class: 'hint'}, 'or drag the line in the chart') : null) : null,
        columns.main, columns.side, columns.wide);
    arrange();
  }

  // Puts the panels that are shown into their columns; where one column would be
  // empty, every second panel goes there, and a single one takes both.
  function arrange() {
    const shown = panels.filter((panel) => !panel.node.hidden);
    const narrow = shown.filter((panel) => !panel.spec.wide);
    const mixed = new Set(narrow.map((panel) => Boolean(panel.spec.side))).size > 1;
    for (const panel of panels) {
      const at = narrow.indexOf(panel);
      const column = panel.spec.wide || narrow.length === 1 ? 'wide' :
          (mixed || at < 0 ? panel.spec.side : at % 2 === 1) ? 'side' : 'main';
      if (panel.node.parentNode !== columns[column]) columns[column].append(panel.node);
    }
    for (const column of Object.values(columns)) {
      column.hidden = ![...column.children].some((node) => !node.hidden);
    }
  }

  // Shows the view for the answers; called when either has changed.
  function update(reports) {
    const views = available();
    const view = views.find((one) => one.name === state.study.view) || views[0];
    if (!view || (!reports.length && !tokenjoule.recorded)) return;
    if (view.name !== state.study.view) state.study.view = view.name;
    drawTabs();
    if (shown !== view.name) build(view);
    const second = state.study.editing === 'b' && reports[1];
    const report = second ? reports[1] : reports[0];
    shownReport = report || null;
    const line = host.querySelector('.which-shown');
    const fits = !report || report.fits;
    line.hidden = !(state.study.b && !view.two) && fits;
    fill(line,
        state.study.b && !view.two ? 'Shown for scenario ' + (second ? 'B' : 'A') + '. ' : null,
        fits ? null : 'It does not fit. These figures are what a step would take if the memory ' +
            'were large enough.');
    // Another view of a setup without an answer has nothing to ask.
    if (document.body.classList.contains('stale')) {
      line.hidden = false;
      fill(line, 'This setup has no answer; the reasons stand beside the settings.');
      for (const panel of panels) panel.show(Boolean(panel.envelope));
      return;
    }
    refreshInputs();
    for (const panel of panels) {
      if (!panel.spec.shows) panel.show(true);
      panel.update(report);
    }
  }

  function start() {
    tabs = document.getElementById('tabs');
    host = document.getElementById('view');
    // One menu at a time.
    document.addEventListener('click', (event) => {
      for (const menu of document.querySelectorAll('.menu[open]')) {
        if (!menu.contains(event.target)) menu.open = false;
      }
    });
  }

  tokenjoule.views = {start, update, names: () => VIEWS.map((view) => view.name)};
})(window.tokenjoule);
