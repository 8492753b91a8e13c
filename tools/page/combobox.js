// A text input with a list of names that is searched as one types
// (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/).
(function(tokenjoule) {
  'use strict';

  const {el, fill, id} = tokenjoule.dom;

  const MOST_OPTIONS = 80;

  // The entries, {name, also, description}, that have all words of `text`, the
  // best first: words in the name count more than others, then where it begins.
  function matches(entries, text) {
    const words = text.toLowerCase().split(/\s+/).filter((word) => word);
    const found = [];
    for (const entry of entries) {
      const name = entry.name.toLowerCase();
      const all = [name].concat(entry.also || [], [entry.description]).join(' ').toLowerCase();
      if (!words.every((word) => all.includes(word))) continue;
      const named = words.filter((word) => name.includes(word)).length;
      const rank = words.length === 0 || name === words.join(' ') ? 0 :
          2 * (words.length - named) + (name.startsWith(words[0]) ? 1 : 2);
      found.push({entry, rank});
    }
    found.sort((x, y) => x.rank - y.rank);
    return found.map((one) => one.entry);
  }

  class Combobox {
    // spec: label; entries(text), those to choose from; chosen(), the name that
    // counts now; shown(), the text of the input at rest; onChoose(text). A text
    // that is no entry is chosen as it is typed.
    constructor(spec) {
      this.spec = spec;
      this.options = [];
      this.active = -1;
      this.typed = false;
      const listId = id('list');
      this.input = el('input', {
        id: id('set'), type: 'text', role: 'combobox', class: 'value', spellcheck: 'false',
        autocomplete: 'off', 'aria-expanded': 'false', 'aria-controls': listId,
        'aria-autocomplete': 'list',
        oninput: () => {
          this.typed = true;
          this.open();
        },
        onclick: () => this.list.hidden && this.open(),
        onfocus: () => this.input.select(),
        onblur: () => {
          if (this.typed) this.choose(this.input.value.trim());
          this.close();
        },
        onkeydown: (event) => this.onKey(event),
      });
      this.list = el('ul', {
        id: listId, role: 'listbox', class: 'options', hidden: true, 'aria-label': spec.label,
      });
      this.node = el('div', {class: 'combo'}, this.input, this.list);
    }

    close() {
      this.list.hidden = true;
      this.input.setAttribute('aria-expanded', 'false');
      this.input.removeAttribute('aria-activedescendant');
      this.active = -1;
    }

    mark(index) {
      this.active = index;
      this.input.removeAttribute('aria-activedescendant');
      [...this.list.querySelectorAll('[role=option]')].forEach((node, i) => {
        node.setAttribute('aria-selected', String(i === index));
        if (i !== index) return;
        this.input.setAttribute('aria-activedescendant', node.id);
        // Not scrollIntoView, which would move the page as well.
        this.list.scrollTop = Math.max(Math.min(this.list.scrollTop, node.offsetTop),
            node.offsetTop + node.offsetHeight - this.list.clientHeight);
      });
    }

    open() {
      const text = this.typed ? this.input.value.trim() : '';
      const all = this.spec.entries(text);
      this.options = all.slice(0, MOST_OPTIONS);
      fill(this.list, this.options.map((entry) => this.option(entry)), this.remark(all.length));
      this.list.hidden = false;
      this.input.setAttribute('aria-expanded', 'true');
      const chosen = this.spec.chosen();
      this.mark(text && all.length ? 0 : this.options.findIndex((entry) => entry.name === chosen));
    }

    option(entry) {
      return el('li', {
        role: 'option', id: id('option'), 'aria-selected': 'false',
        onmousedown: (event) => {
          event.preventDefault();
          this.choose(entry.name);
        },
      }, el('span', {class: 'name'}, entry.name), el('span', {class: 'about'}, entry.description));
    }

    // What the list does not show.
    remark(count) {
      const text = count === 0 ?
          'Nothing in the catalogue matches. Press Enter to take it as typed.' :
          count > MOST_OPTIONS ? (count - MOST_OPTIONS) + ' more; type to narrow them.' : '';
      return text ? el('li', {class: 'rest', role: 'presentation'}, text) : null;
    }

    choose(value) {
      this.typed = false;
      this.input.value = value;
      this.close();
      this.spec.onChoose(value);
    }

    // Takes a name as typed, where it is one or a list of them; else the marked one.
    commit() {
      const value = this.input.value.trim();
      const literal = value.includes(',') || this.options.some((entry) => entry.name === value);
      this.choose(this.active >= 0 && !literal ? this.options[this.active].name : value);
    }

    onKey(event) {
      const shown = !this.list.hidden;
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        const count = this.options.length;
        if (!shown) this.open();
        else if (count) this.mark((this.active + (event.key === 'ArrowDown' ? 1 : -1) + count +
            (this.active < 0 && event.key === 'ArrowUp' ? 1 : 0)) % count);
      } else if (event.key === 'Enter') {
        event.preventDefault();
        if (shown || this.typed) this.commit();
        else this.open();
      } else if (event.key === 'Escape' && (shown || this.typed)) {
        event.stopPropagation();
        this.forget();
        this.refresh();
      }
    }

    // Shows what counts now, unless a text is being typed.
    refresh() {
      if (!this.typed) this.input.value = this.spec.shown();
    }

    // Offers entries that have arrived since the list was opened.
    renew() {
      if (!this.list.hidden) this.open();
    }

    // Drops what is being typed.
    forget() {
      this.typed = false;
      this.close();
    }
  }

  tokenjoule.combobox = {Combobox, matches};
})(window.tokenjoule);
