"use strict";
// What packing.py and inline.py have packed.
const Unpack = {
  // Rows as objects, from the different values of every column and the places of them.
  rows(columns) {
    const fields = Object.entries(columns);
    const count = fields.length ? fields[0][1].places.length : 0;
    const rows = Array.from({ length: count }, () => ({}));
    for (const [field, { values, places }] of fields) {
      for (let index = 0; index < count; index += 1) rows[index][field] = values[places[index]];
    }
    return rows;
  },

  // The JSON value of an element that holds base64 of raw deflate.
  async inflated(element) {
    const packed = Uint8Array.from(atob(element.textContent.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  },
};
