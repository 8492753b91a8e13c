// Any number of the machine: the constants that `explain` lists, with their ranges
// and sources, each changed by a --set.
(function(tokenjoule) {
  'use strict';

  const {state, format} = tokenjoule;
  const {el, fill, id} = tokenjoule.dom;

  const MOST_SHOWN = 40;

  const slot = new tokenjoule.Slot();
  let entries = [];
  let changed, details, search, list, count;

  function editing() {
    return state.study[state.study.editing];
  }

  function add(assignment) {
    const path = assignment.split('=')[0].trim();
    state.set('set.' + path, (study) => {
      const scenario = study[study.editing];
      const kept = (scenario.set || []).filter((one) => one.split('=')[0].trim() !== path);
      scenario.set = kept.concat([assignment]);
    });
  }

  function remove(assignment) {
    state.set('set.' + assignment, (study) => {
      const scenario = study[study.editing];
      scenario.set = (scenario.set || []).filter((one) => one !== assignment);
      if (scenario.set.length === 0) delete scenario.set;
    });
  }

  function showChanged() {
    const sets = editing().set || [];
    fill(changed, sets.length === 0 ? null : el('ul',
        {class: 'sets', 'aria-label': 'Changed fields'},
        sets.map((one) => el('li', {}, el('code', {}, one), el('button', {
          type: 'button', class: 'reset', 'aria-label': 'Undo ' + one, onclick: () => remove(one),
        }, 'undo')))));
  }

  function row(entry) {
    const short = entry.path.replace(/^hardware\./, '');
    const given = (editing().set || []).some((one) => one.split('=')[0].trim() === entry.path);
    const input = el('input', {
      type: 'text', class: 'value', value: String(entry.value), spellcheck: 'false',
      'aria-label': entry.path, 'data-path': entry.path,
      onchange: () => {
        const text = input.value.trim();
        if (text === '' || text === String(entry.value)) input.value = String(entry.value);
        else add(entry.path + '=' + text);
      },
    });
    const range = entry.low === entry.high ? 'no range' :
        format.number(entry.low) + ' to ' + format.number(entry.high);
    return el('li', {class: given ? 'field given' : 'field'},
        el('div', {class: 'path'}, tokenjoule.dom.figure(entry.path, short)),
        el('div', {class: 'set'}, input, el('span', {class: 'range'}, range),
           el('span', {class: 'kind'}, entry.kind.toLowerCase())),
        el('div', {class: 'accepted'}, 'accepts ' + format.number(entry.accepted_min) + ' to ' +
            format.number(entry.accepted_max)));
  }

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word);
    const found = entries.filter((entry) => {
      const all = (entry.path + ' ' + entry.citation + ' ' + entry.kind).toLowerCase();
      return words.every((word) => all.includes(word));
    });
    const rest = found.length - MOST_SHOWN;
    fill(list, found.slice(0, MOST_SHOWN).map(row));
    count.textContent = entries.length === 0 ? '' :
        found.length + ' of ' + entries.length + ' numbers' +
        (rest > 0 ? ', the first ' + MOST_SHOWN + ' shown' : '');
  }

  function ask() {
    if (!details.open) return;
    slot.run(() => tokenjoule.ask('explain', state.request(state.study.editing)),
        (envelope) => {
          entries = envelope.answer.entries.filter((entry) => entry.path);
          show();
        },
        () => {
          // The answer's own faults are on the page; what is listed stays.
        });
  }

  function control() {
    search = el('input', {
      type: 'search', class: 'value', id: id('search'), placeholder: 'for example bandwidth',
      oninput: show, autocomplete: 'off',
    });
    const other = el('input', {
      type: 'text', class: 'value', id: id('other'), spellcheck: 'false',
      placeholder: 'model.vocab_size=32000',
      onkeydown: (event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        button.click();
      },
    });
    const button = el('button', {type: 'button', class: 'button', onclick: () => {
      if (other.value.trim() === '') return;
      add(other.value.trim());
      other.value = '';
    }}, 'Set');
    count = el('p', {class: 'hint', 'aria-live': 'polite'});
    list = el('ul', {class: 'fields'});
    changed = el('div', {});
    details = el('details', {class: 'more machine-fields', ontoggle: ask},
        el('summary', {}, 'Every number of the machine'),
        el('label', {for: search.id}, 'Search'), search, count, list,
        el('label', {for: other.id}, 'Any other field'),
        el('div', {class: 'other'}, other, button));
    return [changed, details];
  }

  // Shows what has been changed, and asks for the numbers if they are in sight.
  function refresh() {
    showChanged();
    ask();
  }

  tokenjoule.fields = {control, refresh, add};
})(window.tokenjoule);
