// Questions to the engine, and their answers: from `tokenjoule serve`, or as
// recorded in a report.
(function(tokenjoule) {
  'use strict';

  const KEPT_ANSWERS = 80;
  const kept = new Map();

  // Why a question has no answer.
  class Fault extends Error {
    constructor(faults, exitCode) {
      super(faults.join('\n'));
      this.faults = faults;
      this.exitCode = exitCode;
    }
  }

  function readRecorded() {
    const node = document.getElementById('recorded');
    return node ? JSON.parse(node.textContent) : null;
  }
  const recorded = readRecorded();

  // Flags with names as on the command line, and lists for those that repeat.
  function normal(flags) {
    const names = {};
    for (const [name, value] of Object.entries(flags || {})) {
      const key = name.replace(/_/g, '-');
      if (key === 'format' || key === 'out') continue;
      names[key] = Array.isArray(value) ? value.map(String) : [String(value)];
    }
    return names;
  }

  function boundaryOf(flags) {
    return (normal(flags).boundary || ['board'])[0];
  }

  // Answers of these do not depend on the boundary, or are recorded at one.
  const AT_ONE_BOUNDARY = ['list', 'explain'];

  // The recorded answer that fits a question: a report is about one study, so
  // that sub-command, name and boundary tell its answers apart; of several the
  // one with most flags alike.
  function fromRecord(subcommand, request) {
    const wanted = normal(request.flags);
    const positional = JSON.stringify(request.positional || []);
    let best = null, score = -1;
    for (const one of recorded.requests) {
      if (one.subcommand !== subcommand) continue;
      if (JSON.stringify(one.positional || []) !== positional) continue;
      if (!AT_ONE_BOUNDARY.includes(subcommand) &&
          boundaryOf(one.flags) !== boundaryOf(request.flags)) continue;
      const format = String((one.flags || {}).format || 'json');
      if (format !== String((request.flags || {}).format || 'json')) continue;
      const flags = normal(one.flags);
      let alike = 0;
      for (const [name, value] of Object.entries(wanted)) {
        if (JSON.stringify(flags[name]) === JSON.stringify(value)) ++alike;
      }
      if (alike > score) {
        best = one;
        score = alike;
      }
    }
    if (best) return Promise.resolve(best.envelope);
    return Promise.reject(new Fault(
        ['This report holds no answer of `tokenjoule ' + subcommand + '` to this question.'], 0));
  }

  // The boundaries at which a report has its answer.
  function recordedBoundaries() {
    return new Set(recorded.requests.filter((one) => one.subcommand === recorded.view)
        .map((one) => boundaryOf(one.flags)));
  }

  // The full answers that recorded answers hold: of `analyze`, or the ones that
  // another study starts from. Empty if there is none, as for a sweep.
  function recordedReports(boundary) {
    const of = (subcommand) => {
      const found = recorded.requests.find((one) => one.subcommand === subcommand &&
          (one.positional || []).length === 0 && boundaryOf(one.flags) === boundary &&
          String((one.flags || {}).format || 'json') === 'json');
      return found ? found.envelope : null;
    };
    const compared = of('compare');
    if (compared) {
      return [compared.answer.a, compared.answer.b].map(
          (answer) => Object.assign({}, compared, {answer}));
    }
    const own = of('analyze');
    if (own && !own.answer.rows) return [own];
    for (const study of ['ceiling', 'sensitivity']) {
      const envelope = of(study);
      if (envelope) return [Object.assign({}, envelope, {answer: envelope.answer.base})];
    }
    return [];
  }

  async function fromServer(subcommand, request) {
    let response, envelope;
    try {
      response = await fetch('api/' + encodeURIComponent(subcommand), {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify(request),
      });
      envelope = await response.json();
    } catch (error) {
      throw new Fault(
          ['The engine does not answer. Is `tokenjoule serve` still running?'], 0);
    }
    if (envelope.error) {
      throw new Fault(envelope.error.faults || ['The engine refused the question.'],
                      envelope.error.exit_code);
    }
    return envelope;
  }

  // The envelope of an answer: {answer, notices, command, elapsed_ms}. `request`
  // has flags, positional and documents. Rejects with a Fault.
  function ask(subcommand, request) {
    if (recorded) return fromRecord(subcommand, request);
    const key = JSON.stringify([subcommand, request]);
    if (kept.has(key)) {
      const envelope = kept.get(key);
      kept.delete(key);
      kept.set(key, envelope);
      return Promise.resolve(envelope);
    }
    return fromServer(subcommand, request).then((envelope) => {
      kept.set(key, envelope);
      if (kept.size > KEPT_ANSWERS) kept.delete(kept.keys().next().value);
      return envelope;
    });
  }

  // One place on the page that shows the newest of its questions. While one is
  // under way, only the newest of those that follow is kept, so that a drag never
  // fills a queue; answers come in the order of their questions, and one that
  // was cancelled is dropped.
  class Slot {
    // Asks `question()` and gives its answer, or its Fault, to the two others.
    run(question, onAnswer, onFault) {
      this.next = [question, onAnswer, onFault];
      if (!this.busy) this.start();
    }

    // Drops what is under way or waits.
    cancel() {
      this.next = null;
      this.turn = null;
      this.busy = false;
    }

    async start() {
      const [question, onAnswer, onFault] = this.next;
      this.next = null;
      this.busy = true;
      const turn = this.turn = {};
      let answer, fault;
      try {
        answer = await question();
      } catch (error) {
        fault = error;
      }
      if (turn !== this.turn) return;
      this.busy = false;
      try {
        if (!fault) onAnswer(answer);
        else if (fault instanceof Fault) onFault(fault);
        else throw fault;
      } finally {
        if (this.next) this.start();
      }
    }
  }

  // Calls `action` once things have been quiet for `ms`, and after `most` ms at
  // the latest, so that a drag shows answers on its way.
  function quiet(action, ms, most) {
    let timer = 0, first = 0;
    const run = () => {
      timer = first = 0;
      action();
    };
    return () => {
      const now = performance.now();
      if (!first) first = now;
      clearTimeout(timer);
      timer = setTimeout(run, Math.max(0, Math.min(ms, first + most - now)));
    };
  }

  Object.assign(tokenjoule,
      {ask, recorded, recordedReports, recordedBoundaries, Fault, Slot, quiet});
})(window.tokenjoule);
