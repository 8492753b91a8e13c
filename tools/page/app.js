// The page: asks for the answer when the study changes, and shows it.
(function(tokenjoule) {
  'use strict';

  const {state, headline, controls, views, exporting} = tokenjoule;
  const {el, fill} = tokenjoule.dom;

  // Changes of one moment are one question; Slot holds back those of a drag.
  const QUIET_MS = 5, AT_MOST_MS = 20;
  // Narrower pages fold the setup away.
  const NARROW = '(max-width: 60rem)';

  const slot = new tokenjoule.Slot();
  // The last good answers, and what their questions said.
  let reports = [], envelopes = [];
  let said = [];
  // The command line that repeats the answer, and where it stands.
  let repeated = '', command;

  // A message at the top that stays until the next change.
  function say(text) {
    said.push(text);
    showNotices();
  }

  function showNotices() {
    const problems = state.problems.length ? ['Left out of this link, because this page does not ' +
        'know it: ' + state.problems.join('; ') + '.'] : [];
    const notices = [].concat(...envelopes.map((envelope) => envelope.notices || []));
    const all = [...new Set(problems.concat(said, notices))];
    fill(document.getElementById('notices'), all.map((text) => el('p', {}, text)));
  }

  function showAnswer() {
    const study = state.study;
    document.getElementById('answer').hidden = reports.length === 0;
    headline.drawBoundary(reports);
    if (reports.length) {
      headline.draw(document.getElementById('answer'), reports);
      document.getElementById('spoken').textContent = reports.map(headline.spoken).join(' ');
      controls.showDefaults(reports[study.editing === 'b' && reports[1] ? 1 : 0]);
      document.title = reports.map((report) => report.model + ' on ' + report.hardware)
          .join(' / ') + ' – tokenjoule';
    }
    const elapsed = envelopes.reduce((sum, envelope) => sum + (envelope.elapsed_ms || 0), 0);
    document.getElementById('foot').textContent = tokenjoule.recorded ?
        ['A report of recorded answers, by tokenjoule', tokenjoule.recorded.version]
            .filter((part) => part).join(' ') + '.' :
        'Answered in ' + tokenjoule.format.number(elapsed) + ' ms.';
    fill(command, repeated ? exporting.commandLine(repeated) : null);
  }

  async function askAll() {
    if (tokenjoule.recorded) {
      const answers = tokenjoule.recordedReports(state.study.boundary);
      const first = tokenjoule.recorded.requests.find(
          (one) => one.subcommand === tokenjoule.recorded.view) || {};
      return {answers, command: (first.envelope || {}).command};
    }
    const answers = await Promise.all((state.study.b ? ['a', 'b'] : ['a'])
        .map((which) => tokenjoule.ask('analyze', state.request(which))));
    const last = state.differs() ?
        await tokenjoule.ask('compare', state.comparison()) : answers[0];
    return {answers, command: last.command};
  }

  function ask() {
    slot.run(askAll,
        ({answers, command: line}) => {
          repeated = line || '';
          envelopes = answers;
          reports = answers.map((envelope) => envelope.answer);
          document.body.classList.remove('stale', 'asking');
          controls.showFaults([]);
          showAnswer();
          showNotices();
          views.update(reports, envelopes);
        },
        (fault) => {
          document.body.classList.remove('asking');
          document.body.classList.add('stale');
          controls.showFaults(fault.faults);
          if (!reports.length) {
            fill(document.getElementById('answer'), el('p', {},
                'This setup has no answer; the reasons stand beside the settings.'));
          } else {
            document.getElementById('foot').textContent =
                'The numbers are those of the last setup that had an answer.';
          }
          headline.drawBoundary(reports);
        });
  }

  function startTheme(host) {
    const choices = ['auto', 'light', 'dark'];
    const apply = (theme) => {
      if (theme === 'auto') document.documentElement.removeAttribute('data-theme');
      else document.documentElement.setAttribute('data-theme', theme);
    };
    // Kept with the tab's history, so that a reload keeps it and nothing is stored.
    const now = (history.state && history.state.theme) || 'auto';
    apply(now);
    const select = el('select', {
      'aria-label': 'Colours', class: 'theme', onchange: () => {
        apply(select.value);
        try {
          history.replaceState(Object.assign({}, history.state, {theme: select.value}), '');
        } catch (error) {
          // A file may not write its history; the colours hold until it is closed.
        }
      },
    }, choices.map((one) => el('option', {value: one, selected: one === now},
        {auto: 'System colours', light: 'Light', dark: 'Dark'}[one])));
    host.append(select);
  }

  function startActions() {
    const host = document.getElementById('actions');
    if (!tokenjoule.recorded) {
      host.append(
          exporting.copyButton('Copy link', () => location.href, {id: 'copy-link'}),
          el('button', {type: 'button', class: 'button', id: 'save-scenario', onclick: () => {
            const which = state.study.editing;
            exporting.save(exporting.fileName(reports[which === 'b' && reports[1] ? 1 : 0],
                'scenario', 'textproto'), exporting.scenarioText(which), 'text/plain');
          }}, 'Save scenario'));
    }
    startTheme(host);
  }

  function startLayout() {
    const setup = document.getElementById('setup');
    const narrow = matchMedia(NARROW);
    const fold = () => {
      setup.open = !narrow.matches;
    };
    fold();
    narrow.addEventListener('change', fold);
    document.getElementById('skip').addEventListener('click', (event) => {
      // The address is the study; a jump must not change it.
      event.preventDefault();
      document.getElementById('answer').focus();
    });
  }

  function start() {
    startLayout();
    startActions();
    headline.startBoundary(document.getElementById('boundary'));
    command = el('div', {class: 'repeat', id: 'repeat'});
    document.getElementById('boundary').after(command);
    controls.start();
    views.start();
    tokenjoule.explain.start();
    const refresh = tokenjoule.quiet(ask, QUIET_MS, AT_MOST_MS);
    state.listen((study, why) => {
      if (why !== 'file') said = [];
      showNotices();
      document.body.classList.toggle('two', Boolean(study.b));
      if (why === 'view') views.update(reports, envelopes);
      else refresh();
    });
    if (tokenjoule.recorded) {
      document.body.classList.add('report');
    } else {
      controls.loadLists().catch(
          (fault) => controls.showFaults(fault.faults || [String(fault)]));
    }
    state.start();
  }

  tokenjoule.app = {say};
  start();
})(window.tokenjoule);
