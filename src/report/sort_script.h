/* The script that sorts the tables of a page by the column whose heading is pressed; without scripts the headings are
 * plain text. Numbers come before texts, and empty cells last in either direction. Private to src/report. */
#ifndef REPORT_SORT_SCRIPT_H
#define REPORT_SORT_SCRIPT_H

/* SHA-256 of the element's content, by which the page's security policy allows this script and no other. A test
 * computes it again. */
#define SORT_SCRIPT_HASH "sha256-8VSLI0ztO9tTkyW4IAPJppsOwhAGh2ghOtfytQ5zbsw="

static const char sort_script[] =
    "\n"
    "for (const table of document.querySelectorAll(\"table\")) {\n"
    "  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];\n"
    "  const key = (row, column) => {\n"
    "    const text = row.cells[column].textContent.trim().replace(\"\\u2212\", \"-\"), number = parseFloat(text);\n"
    "    return {text, number: /^[-+]?[.\\d]/.test(text) ? number : NaN};\n"
    "  };\n"
    "  const compare = (a, b) => {\n"
    "    if (!a.text !== !b.text) return a.text ? -Infinity : Infinity;\n"
    "    if (isNaN(a.number) !== isNaN(b.number)) return isNaN(a.number) ? 1 : -1;\n"
    "    return isNaN(a.number) ? a.text.localeCompare(b.text) : a.number - b.number;\n"
    "  };\n"
    "  heads.forEach((head, column) => {\n"
    "    const button = document.createElement(\"button\");\n"
    "    button.type = \"button\";\n"
    "    button.append(...head.childNodes);\n"
    "    head.append(button);\n"
    "    button.onclick = () => {\n"
    "      const sign = head.getAttribute(\"aria-sort\") === \"ascending\" ? -1 : 1;\n"
    "      for (const other of heads) other.removeAttribute(\"aria-sort\");\n"
    "      head.setAttribute(\"aria-sort\", sign > 0 ? \"ascending\" : \"descending\");\n"
    "      const rows = [...body.rows].map(row => [key(row, column), row]);\n"
    "      rows.sort(([a], [b]) => { const c = compare(a, b); return Math.abs(c) === Infinity ? c : sign * c; });\n"
    "      body.append(...rows.map(([, row]) => row));\n"
    "    };\n"
    "  });\n"
    "}\n";

#endif
