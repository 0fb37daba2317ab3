"""One module a row of the table; each has `NUMBER`, `TITLE` and `measure(scale)`."""
