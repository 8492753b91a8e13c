// Descriptions of models, machines, runtimes and scenarios that are opened or
// dropped: what they are, and the names by which flags know them.
(function(tokenjoule) {
  'use strict';

  const {state, format} = tokenjoule;
  const {el, id} = tokenjoule.dom;

  // Descriptions are kilobytes; a checkpoint's weights are not what is asked for.
  const MOST_BYTES = 4e6;

  const WORDS = {model: 'model', hardware: 'machine', scenario: 'scenario', runtime: 'runtime'};

  function safeName(name, taken) {
    const parts = /^(.*?)(\.[A-Za-z]+)?$/.exec(name.split(/[/\\]/).pop());
    const stem = (parts[1] || 'file').replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 60)
        .replace(/^[._-]+/, '') || 'file';
    const end = isKnownEnd(parts[2]) ? parts[2].toLowerCase() : '.textproto';
    let result = stem + end;
    for (let i = 2; taken(result); ++i) result = stem + '-' + i + end;
    return result;
  }

  function isKnownEnd(end) {
    return end !== undefined && state.isFileName('x' + end.toLowerCase());
  }

  // Which flag a file is for, or why it cannot be taken.
  function recognise(text) {
    if (text.startsWith('GGUF')) {
      return {why: 'GGUF files are large and are read on the command line: ' +
          '`tokenjoule import-hf FILE` makes a description that can be opened here.'};
    }
    if (/^\s*\{/.test(text)) {
      try {
        JSON.parse(text);
      } catch (error) {
        return {why: 'it begins like JSON but cannot be read: ' + error.message};
      }
      return {flag: 'model', end: '.json'};
    }
    const declared = /^#\s*proto-message:\s*(?:tokenjoule\.)?(\w+)/m.exec(text);
    const kinds = {Model: 'model', Hardware: 'hardware', Scenario: 'scenario', Runtime: 'runtime'};
    if (declared && kinds[declared[1]]) return {flag: kinds[declared[1]], end: '.textproto'};
    if (declared) {
      return {why: 'it describes a ' + declared[1] +
          '; a Model, Hardware, Runtime or Scenario is wanted.'};
    }
    const has = (pattern) => pattern.test(text);
    if (has(/^\s*(memory|engine|interconnect|board|base)\b/m)) {
      return {flag: 'hardware', end: '.textproto'};
    }
    if (has(/^\s*(d_model|vocab_size|layers?|blocks?|num_layers)\b/m)) {
      return {flag: 'model', end: '.textproto'};
    }
    if (has(/^\s*(batch|context|tp|model|hardware|weights|kv|prompt)\s*:/m)) {
      return {flag: 'scenario', end: '.textproto'};
    }
    return {why: 'it is neither a config.json nor a description of a model, a machine, a runtime ' +
        'or a scenario; a line "# proto-message: Model" says which.'};
  }

  // Takes a file into the study, or says why not.
  async function take(file) {
    const say = (why) => tokenjoule.app.say('“' + file.name + '” was not taken: ' + why);
    if (file.size > MOST_BYTES) {
      say(/\.gguf$/i.test(file.name) ?
          recognise('GGUF').why : 'it is larger than ' + format.si(MOST_BYTES, 'B') + '.');
      return;
    }
    const text = await file.text();
    const {flag, end, why} = recognise(text);
    if (why) {
      say(why);
      return;
    }
    const stem = isKnownEnd((/\.[A-Za-z]+$/.exec(file.name) || [])[0]) ? file.name :
        file.name + end;
    const name = safeName(stem,
        (other) => other in state.study.documents && state.study.documents[other] !== text);
    state.set('file', (study) => {
      study.documents[name] = text;
      const scenario = study[study.editing];
      if (flag === 'scenario') {
        // The file says them.
        for (const key of Object.keys(scenario)) delete scenario[key];
      }
      scenario[flag] = name;
    });
    tokenjoule.app.say('“' + file.name + '” is taken as a ' +
        WORDS[flag] + '.');
  }

  async function takeAll(files) {
    for (const file of files) await take(file);
  }

  function listenForDrops() {
    let depth = 0;
    const over = (on) => document.body.classList.toggle('dropping', on);
    const files = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
    addEventListener('dragenter', (event) => {
      if (!files(event)) return;
      ++depth;
      over(true);
    });
    addEventListener('dragleave', (event) => {
      if (!files(event)) return;
      depth = Math.max(0, depth - 1);
      over(depth > 0);
    });
    addEventListener('dragover', (event) => {
      if (files(event)) event.preventDefault();
    });
    addEventListener('drop', (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      takeAll(event.dataTransfer.files);
    });
  }

  function control() {
    const input = el('input', {
      type: 'file', id: id('file'), class: 'unseen', multiple: true,
      accept: '.json,.textproto,.pbtxt,.txt',
      onchange: async () => {
        await takeAll(input.files);
        input.value = '';
      },
    });
    return el('div', {class: 'files'}, input,
        el('label', {for: input.id, class: 'button'}, 'Open a file'),
        el('p', {class: 'hint'}, 'A config.json, or the textproto of a model, machine, runtime ' +
            'or scenario. You can also drop it on the page.'));
  }

  tokenjoule.files = {recognise, listenForDrops, control};
})(window.tokenjoule);
