// The study: one or two scenarios, the boundary, the view, and the link that
// says all of it. The parameters of the link are the flags of the command line;
// those that begin with "to." belong to the second scenario, as for `compare`.
(function(tokenjoule) {
  'use strict';

  const {settings, format} = tokenjoule;

  const FIRST = {model: 'llama-3.1-8b', hardware: 'h100-sxm'};
  // Longest text of files that a link carries; longer links break in mail.
  const MOST_IN_LINK = 16000;
  // Changes of the same control this close together are one step of "back".
  const SAME_STEP_MS = 1500;

  const listeners = [];
  let study = empty();
  // What was wrong with the link that was followed.
  let problems = [];
  let lastKey = '', lastTime = 0;

  function empty() {
    return {
      a: Object.assign({}, FIRST), b: null, editing: 'a', boundary: 'board', view: 'energy',
      asked: {}, documents: {},
    };
  }

  function isSwitch(flag) {
    return settings.byFlag.get(flag).kind === 'switch';
  }

  function put(scenario, flag, value) {
    if (flag === 'set') {
      scenario.set = (scenario.set || []).concat([String(value)]);
    } else {
      scenario[flag] = isSwitch(flag) ? (value === '' ? 'true' : String(value)) : String(value);
    }
  }

  // Reads parameters of a link, or flags, as [name, value] pairs. Files that were
  // opened before are still at hand.
  function read(pairs) {
    const next = Object.assign(empty(), {a: {}, documents: Object.assign({}, study.documents)});
    const wrong = [];
    for (const [given, value] of pairs) {
      const second = given.startsWith('to.');
      const name = (second ? given.slice(3) : given).replace(/_/g, '-');
      if (name === 'set' || settings.byFlag.has(name)) {
        if (second && !next.b) next.b = {};
        put(second ? next.b : next.a, name, value);
      } else if (given === 'to') {
        next.b = next.b || {};
      } else if (given === 'edit' && (value === 'a' || value === 'b')) {
        next.editing = value;
      } else if (given === 'boundary' && format.boundaries.includes(value)) {
        next.boundary = value;
      } else if (given === 'view' && tokenjoule.views.names().includes(value)) {
        next.view = value;
      } else if (settings.asked.some((one) => one.name === name)) {
        next.asked[name] = value;
      } else if (given.startsWith('file.') && given.length > 5) {
        next.documents[given.slice(5)] = value;
      } else {
        wrong.push(given + (value === '' ? '' : '=' + value));
      }
    }
    if (next.editing === 'b' && !next.b) next.editing = 'a';
    if (!next.a.scenario) {
      next.a = Object.assign({}, FIRST, next.a.pipeline ? {hardware: ''} : {}, next.a);
    }
    if (next.a.hardware === '') delete next.a.hardware;
    layOut(next);
    for (const scenario of [next.a, next.b || {}]) {
      for (const flag of ['model', 'hardware', 'scenario']) {
        const value = scenario[flag];
        if (value && isFileName(value) && !(value in next.documents)) {
          wrong.push('the file ' + value + ', which the link does not hold; drop it here again');
        }
      }
    }
    return {study: next, problems: wrong};
  }

  // Several machines with commas are laid side by side; the rest of the page is
  // about the first of them.
  function layOut(changed) {
    for (const scenario of [changed.a, changed.b || {}]) {
      if (!(scenario.hardware || '').includes(',')) continue;
      changed.asked.machines = scenario.hardware;
      changed.view = 'machines';
      scenario.hardware = scenario.hardware.split(',')[0].trim();
    }
  }

  function isFileName(value) {
    return /\.(json|textproto)$/.test(value);
  }

  // The parameters of a scenario in the order of the settings.
  function pairsOf(scenario, prefix) {
    const pairs = [];
    for (const {flag} of settings.all) {
      if (scenario[flag] !== undefined) pairs.push([prefix + flag, scenario[flag]]);
    }
    for (const set of scenario.set || []) pairs.push([prefix + 'set', set]);
    return pairs;
  }

  // The files that the scenarios name.
  function namedDocuments() {
    const named = {};
    for (const scenario of [study.a, study.b || {}]) {
      for (const value of Object.values(scenario)) {
        if (typeof value === 'string' && value in study.documents) {
          named[value] = study.documents[value];
        }
      }
    }
    return named;
  }

  // The study as the part of a link after "#".
  function link() {
    const pairs = pairsOf(study.a, '');
    if (study.b) {
      const second = pairsOf(study.b, 'to.');
      pairs.push(...(second.length ? second : [['to', '']]));
      if (study.editing === 'b') pairs.push(['edit', 'b']);
    }
    if (study.boundary !== 'board') pairs.push(['boundary', study.boundary]);
    for (const {name} of settings.asked) {
      if (study.asked[name]) pairs.push([name, study.asked[name]]);
    }
    if (study.view !== 'energy') pairs.push(['view', study.view]);
    const documents = Object.entries(namedDocuments());
    const size = documents.reduce((sum, [, text]) => sum + text.length, 0);
    if (size <= MOST_IN_LINK) {
      for (const [name, text] of documents) pairs.push(['file.' + name, text]);
    }
    const query = new URLSearchParams(pairs).toString();
    // Characters that a fragment takes as they are, for links that people read.
    return '#' + query.replace(/%2F/g, '/').replace(/%3A/g, ':').replace(/%2C/g, ',');
  }

  function tell(why) {
    for (const listener of listeners) listener(study, why);
  }

  // Writes the link; a step of "back" for each change that is not a mere
  // continuation of the last.
  function write(key) {
    const now = Date.now();
    const replace = key === lastKey && now - lastTime < SAME_STEP_MS;
    lastKey = key;
    lastTime = now;
    const hash = link();
    if (hash === location.hash) return;
    if (replace) {
      history.replaceState(history.state, '', hash);
    } else {
      history.pushState(history.state, '', hash);
    }
  }

  // Changes the study by `change(study)`. `key` names the control.
  function set(key, change) {
    change(study);
    layOut(study);
    problems = [];
    if (!tokenjoule.recorded) write(key);
    tell(key);
  }

  // Takes what the address says.
  function follow() {
    const taken = read([...new URLSearchParams(location.hash.slice(1))]);
    study = taken.study;
    problems = taken.problems;
    lastKey = '';
    tell('link');
  }

  // The view that shows the answer of a sub-command.
  const VIEW_OF = {
    analyze: 'energy', batch: 'curves', compare: 'compare', ceiling: 'levers',
    sensitivity: 'levers', tricks: 'levers', sweep: 'front',
  };

  // The study of a report: that of its first answer.
  function fromRecord(recorded) {
    const first = recorded.requests.find((one) => one.subcommand === recorded.view) ||
        recorded.requests[0] || {};
    const pairs = [];
    for (const [name, value] of Object.entries(first.flags || {})) {
      for (const one of Array.isArray(value) ? value : [value]) {
        pairs.push([name, one === true ? '' : String(one)]);
      }
    }
    // Flags that only a sub-command has are not settings; its answer has them.
    study = read(pairs).study;
    const several = recorded.view === 'analyze' && first.envelope && first.envelope.answer.rows;
    study.view = several ? 'machines' : VIEW_OF[recorded.view] || 'energy';
    // Two scenarios may also be files, which no flag tells apart.
    if (recorded.view === 'compare') study.b = study.b || {};
    tell('link');
  }

  function start() {
    if (tokenjoule.recorded) {
      fromRecord(tokenjoule.recorded);
      return;
    }
    window.addEventListener('popstate', follow);
    window.addEventListener('hashchange', () => {
      if (location.hash !== link()) follow();
    });
    follow();
  }

  // The settings of scenario "a" or "b" with what the second one keeps of the
  // first.
  function merged(which) {
    if (which === 'a' || !study.b) return study.a;
    const both = Object.assign({}, study.a, study.b);
    const sets = (study.a.set || []).concat(study.b.set || []);
    if (sets.length) both.set = sets;
    else delete both.set;
    return both;
  }

  function clean(scenario) {
    const flags = {};
    for (const [name, value] of Object.entries(scenario)) {
      if (value === 'false' && isSwitch(name)) continue;
      flags[name] = value === 'true' && settings.byFlag.has(name) && isSwitch(name) ? true : value;
    }
    // The machines of a pipeline are in place of one.
    if (flags.pipeline) delete flags.hardware;
    return flags;
  }

  function withStudy(flags, more) {
    const all = Object.assign(flags, more);
    if (study.boundary !== 'board') all.boundary = study.boundary;
    const request = {flags: all};
    const documents = namedDocuments();
    if (Object.keys(documents).length) request.documents = documents;
    return request;
  }

  // A question about scenario `which`, with further flags.
  function request(which, more) {
    return withStudy(clean(merged(which)), more);
  }

  // The question what changes between the two scenarios.
  function comparison() {
    const flags = clean(study.a);
    for (const [name, value] of Object.entries(study.b || {})) {
      flags['to.' + name] = settings.byFlag.has(name) && isSwitch(name) ? value === 'true' : value;
    }
    return withStudy(flags, {});
  }

  // Whether the second scenario sets anything.
  function differs() {
    return Boolean(study.b) && (Boolean(tokenjoule.recorded) || Object.keys(study.b).length > 0);
  }

  tokenjoule.state = {
    differs,
    get study() {
      return study;
    },
    get problems() {
      return problems;
    },
    set, start, request, comparison, merged, isFileName,
    listen: (listener) => listeners.push(listener),
  };
})(window.tokenjoule);
