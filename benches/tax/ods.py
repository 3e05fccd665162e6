"""Writes and reads rp2's spreadsheets, with the library that rp2 installs for itself.

Run by the python of the bench's own environment, as steps that are not measured:

`ods.py write SHEETS.json FILE.ods` makes a spreadsheet of `{"name": [[cell, ...], ...], ...}`,
where a cell is a string, a number in the form `{"number": "1.5"}`, or null.
`ods.py read FILE.ods SHEETS.json` writes the cells of a spreadsheet in the same form, with plain
numbers.
"""

import json
import sys
from typing import Any

import ezodf


def main() -> None:
    """Does what the first argument says."""
    action, *paths = sys.argv[1:]
    if action == "write":
        write(*paths)
    else:
        read(*paths)


def write(source: str, target: str) -> None:
    """Makes a spreadsheet."""
    with open(source, encoding="utf-8") as file:
        sheets = json.load(file)
    document = ezodf.newdoc(doctype="ods", filename=target)
    for name, rows in sheets.items():
        width = max(len(row) for row in rows)
        sheet = ezodf.Sheet(name, size=(len(rows), width))
        for cells, row in zip(sheet.rows(), rows, strict=True):
            # A line may be shorter than the sheet is wide.
            for cell, value in zip(cells, row, strict=False):
                fill(cell, value)
        document.sheets += sheet
    document.save()


def fill(cell: Any, value: Any) -> None:
    """Gives one cell its value."""
    if isinstance(value, dict):
        # rp2 reads numbers as floats, whatever they were written from.
        cell.set_value(float(value["number"]))
    elif value is not None:
        cell.set_value(value)


def read(source: str, target: str) -> None:
    """Writes down all cells of a spreadsheet."""
    document = ezodf.opendoc(source)
    sheets = {
        sheet.name: [[cell.value for cell in row] for row in sheet.rows()]
        for sheet in document.sheets
    }
    with open(target, "w", encoding="utf-8") as file:
        json.dump(sheets, file)


if __name__ == "__main__":
    main()
