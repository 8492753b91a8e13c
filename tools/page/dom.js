// Elements of the page. Strings become text nodes, never HTML.
(function(tokenjoule) {
  'use strict';

  // Text from files and links with what would not show, or would turn the line
  // around, made visible.
  function visible(text) {
    return String(text)
        .replace(/[\u0000-\u0008\u000b-\u001f]/g,
                 (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
        .replace(/[\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '\ufffd');
  }

  // An element with attributes and children. An attribute that is a function is
  // a listener ("onclick"), false and null leave it out, true sets it empty.
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === false || value === null || value === undefined) continue;
      if (typeof value === 'function') {
        node.addEventListener(name.slice(2), value);
      } else if (name === 'text') {
        node.textContent = visible(value);
      } else {
        node.setAttribute(name, value === true ? '' : visible(value));
      }
    }
    add(node, children);
    return node;
  }

  function add(node, children) {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : visible(child));
    }
    return node;
  }

  // Replaces what is in `node`.
  function fill(node, ...children) {
    node.replaceChildren();
    return add(node, children);
  }

  let ids = 0;
  function id(prefix) {
    return prefix + '-' + (++ids);
  }

  // A number that `explain` has a formula or sources for.
  function figure(name, text, more) {
    return el('button', Object.assign({
      type: 'button', class: 'figure', 'data-figure': name,
      title: 'Formula, constants and sources',
    }, more || {}), text);
  }

  // A table: columns are {label, number, words}, rows are lists of cells (text or
  // nodes).
  function table(caption, columns, rows, more) {
    const head = el('tr', {}, columns.map((column) => el(
        'th', {scope: 'col', class: column.number ? 'number' : null}, column.label)));
    const body = rows.map((row) => el('tr', {class: row.className || null},
        (row.cells || row).map((cell, i) => el(
            i === 0 ? 'th' : 'td',
            {scope: i === 0 ? 'row' : null,
              class: columns[i].number ? 'number' : columns[i].words ? 'words' : null},
            cell))));
    return el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption},
        el('table', more || {}, el('caption', {}, caption),
           el('thead', {}, head), el('tbody', {}, body)));
  }

  tokenjoule.dom = {el, add, fill, id, figure, table, visible};
})(window.tokenjoule);
