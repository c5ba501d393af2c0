// report.js - tables that sort by a click on a column's head and, when they are
// long, keep only the rows that hold a word.  It stands inside the page and
// reads nothing but the page; without it the tables are as they were written.
(function () {
  "use strict";
  var sizes = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };

  // "106k" is a number, so is "0.012 [0.004, 0.020]" by its first; a dash and
  // words are none.
  function number(text) {
    var m = /^\s*([+\-\u2212]?[0-9.]+(?:e[+\-]?[0-9]+)?)([kMGTPE]?)/
      .exec(text);
    return m ? Number(m[1].replace("\u2212", "-")) * (sizes[m[2]] || 1) : NaN;
  }

  function compare(a, b) {
    var x = number(a), y = number(b);
    if (!isNaN(x) && !isNaN(y)) return x - y;
    if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
    return a.localeCompare(b);
  }

  function sort(table, head, column) {
    var down = head.getAttribute("aria-sort") === "ascending";
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var c = compare(a.cells[column].textContent,
        b.cells[column].textContent);
      return down ? -c : c;
    });
    rows.forEach(function (row) { body.appendChild(row); });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (h) {
      h.removeAttribute("aria-sort");
    });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  function sortable(table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells,
      function (head, column) {
        var button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        button.addEventListener("click", function () {
          sort(table, head, column);
        });
        head.textContent = "";
        head.appendChild(button);
      });
  }

  function filter(table) {
    var input = document.createElement("input");
    input.type = "search";
    input.placeholder = "rows with \u2026";
    input.setAttribute("aria-label", "Only rows that hold");
    input.addEventListener("input", function () {
      var word = input.value.toLowerCase();
      Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
        row.hidden = row.textContent.toLowerCase().indexOf(word) < 0;
      });
    });
    table.parentNode.parentNode.insertBefore(input, table.parentNode);
  }

  Array.prototype.forEach.call(document.querySelectorAll("main table"),
    function (table) {
      var rows = table.tBodies[0].rows.length;
      if (rows > 2) sortable(table);
      if (rows > 12) filter(table);
    });
}());
