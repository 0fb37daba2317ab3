"""Finds what can be taken away from code that enforces a rule: statements, guards, conditions, parts of min and max."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

SHOWN: Final = 110
"""Letters of the removed code that are shown and kept."""


@dataclass(frozen=True, slots=True)
class Point:
    """One removal. `first` and `last`: lines that a test must run to notice; `begin`, `end`: bytes to replace."""

    path: str
    scope: str
    first: int
    last: int
    begin: int
    end: int
    by: str
    removed: str
    nth: int = 0
    """Of those in one place that read alike."""

    @property
    def name(self) -> str:
        """Tells it from every other, and stays when lines move."""
        return f"{self.where} #{self.nth} [{self.removed}] -> {self.by}"

    @property
    def where(self) -> str:
        """How the table of survivors names its place; it stays when lines move."""
        return f"{self.path}::{self.scope}"


def points(path: str, source: bytes) -> list[Point]:
    """Every removal in a file, in the order of its lines. `path`: as it is to be called."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    found: list[Point] = []
    alike: Counter[str] = Counter()
    for point in sorted(finder.found, key=lambda point: (point.begin, point.end, point.by)):
        found.append(replace(point, nth=alike[point.name]))
        alike[point.name] += 1
    return found


def taken_away(source: bytes, point: Point) -> bytes:
    """The source without it; every line keeps its number."""
    gone = source[point.begin : point.end]
    lines = b"\n" * (gone.count(b"\n") - point.by.count("\n"))
    if not lines:
        return source[: point.begin] + point.by.encode() + source[point.end :]
    if point.by == "pass":
        return source[: point.begin] + b"pass" + lines + source[point.end :]
    return source[: point.begin] + b"(" + point.by.encode() + lines + b")" + source[point.end :]


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Point] = []
        self._path = path
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._in_function = 0
        self._lines = (0, 0)

    # Where a statement stands.

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._scope.append(node.name)
        self._in_function += 1
        self._statements(node.body)
        self._in_function -= 1
        self._scope.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        self._statements(node.body)
        self._scope.pop()

    def visit_Module(self, node: ast.Module) -> None:
        self._statements(node.body)

    def _statements(self, body: Sequence[ast.stmt]) -> None:
        for number, node in enumerate(body):
            if self._in_function and not (number == 0 and _is_docstring(node)):
                self._lines = _header(node)
                if _may_go(node):
                    self._add(node, "pass")
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
                self._lines = _header(node)
            else:
                continue
            self.visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                items: list[ast.AST] = [item for item in value if isinstance(item, ast.AST)]  # pyright: ignore[reportUnknownVariableType]
                statements = [item for item in items if isinstance(item, ast.stmt)]
                if statements:
                    before = self._lines
                    self._statements(statements)
                    self._lines = before
                else:
                    for item in items:
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    # What in an expression can go.

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        if self._in_function:
            self._without_one(node, node.values)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        one_of = isinstance(node.func, ast.Name) and node.func.id in ("min", "max")
        plain = not any(isinstance(each, ast.Starred) for each in node.args)
        if self._in_function and one_of and plain and len(node.args) > 1:
            self._without_one(node, node.args)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs if self._in_function else ():
            self._add(condition, "True")
        self.generic_visit(node)

    def _without_one(self, node: ast.BoolOp | ast.Call, parts: Sequence[ast.expr]) -> None:
        """The expression with each of its parts taken away in turn."""
        for number, part in enumerate(parts):
            if len(parts) == 2:
                other = self._text(parts[1 - number])
                self._add(node, f"({other})", shown=part)
                continue
            begin, end = self._span(part)
            neutral = "True" if isinstance(node, ast.BoolOp) and _is_and(node) else "False"
            if isinstance(node, ast.BoolOp):
                self._put(begin, end, neutral, self._text(part))
            else:
                twin = parts[number - 1]
                self._put(begin, end, self._text(twin), self._text(part))

    # The bytes.

    def _add(self, node: ast.expr | ast.stmt, by: str, *, shown: ast.expr | None = None) -> None:
        begin, end = self._span(node)
        self._put(begin, end, by, self._text(node if shown is None else shown))

    def _put(self, begin: int, end: int, by: str, removed: str) -> None:
        words = " ".join(removed.split())
        self.found.append(
            Point(
                self._path,
                ".".join(self._scope),
                *self._lines,
                begin,
                end,
                by,
                words if len(words) <= SHOWN else f"{words[: SHOWN - 1]}…",
            )
        )

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.expr | ast.stmt) -> str:
        begin, end = self._span(node)
        return self._source[begin:end].decode()


def _is_and(node: ast.BoolOp) -> bool:
    return isinstance(node.op, ast.And)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _header(node: ast.stmt) -> tuple[int, int]:
    """The lines that run when the statement is reached: of a block, those before its first statement."""
    body: list[ast.stmt] | None = getattr(node, "body", None)
    if body:
        return node.lineno, max(node.lineno, body[0].lineno - 1)
    return node.lineno, node.end_lineno or node.lineno


def _may_go(node: ast.stmt) -> bool:
    """Whether a program without it may still be one: no bindings of a plain name, which only raise NameError."""
    match node:
        case ast.Expr(value=value):
            return not isinstance(value, ast.Constant)
        case ast.Assign(targets=targets):
            return all(_is_place(target) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            return value is not None and _is_place(target)
        case ast.AugAssign() | ast.Raise() | ast.Return() | ast.Continue() | ast.Break():
            return True
        case ast.Delete():
            return True
        case ast.If(orelse=orelse):
            return not orelse
        case _:
            return False


def _is_place(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(_is_place(each) for each in target.elts)
    return isinstance(target, (ast.Attribute, ast.Subscript))


def all_points(root: Path, patterns: Sequence[str], without: Sequence[str]) -> list[Point]:
    """Every removal in the files below `root` that fit a pattern; a pattern may fit none."""
    return [
        point
        for path in files(root, patterns, without)
        for point in points(path, (root / path).read_bytes())
    ]


def files(root: Path, patterns: Sequence[str], without: Sequence[str]) -> Iterator[str]:
    """The files that fit, by their names below `root`, each once and in order."""
    left_out = {path for pattern in without for path in root.glob(pattern)}
    fitting = {path for pattern in patterns for path in root.glob(pattern)} - left_out
    for path in sorted(fitting):
        if path.suffix == ".py" and path.is_file():
            yield path.relative_to(root).as_posix()
