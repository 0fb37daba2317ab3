"""What bash completes, asked of bash itself: commands, profiles, and addresses with colons in them."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Workstation

ASK = """
eval "$({bin}/{program} completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
COMP_LINE={line!r}
COMP_POINT=${{#COMP_LINE}}
compopt() {{ :; }}
COMP_WORDS=({line}); COMP_CWORD={at}
{function} {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(desk: Workstation, line: str) -> list[str]:
    program = line.split(maxsplit=1)[0]
    at = len(line.split()) - (not line.endswith(" "))
    function = f"_{program.replace('-', '_')}_completion"
    script = ASK.format(bin=BIN, program=program, line=line, at=at, function=function)
    done = subprocess.run(
        ["bash", "-c", script],
        env={**desk.env, "PATH": f"{BIN}:{desk.env['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "one"),
    [
        ("massager-ctl prof", "profiles"),
        ("massager-ctl run rest", "restorative"),
        ("massager-ctl profiles show rest", "restorative"),
        ("massager-ctl profiles plot rest", "restorative"),
        ("massager-ctl run restorative --device tc", "tcp:127.0.0.1:"),
        ("massager-ctl run restorative --device tcp:1", "127.0.0.1:"),
        ("massager-ctl stop --device sim", "sim:"),
        ("massager-ctl set neck_l", "neck_left"),
        ("massager-sim ser", "serve"),
    ],
)
def test_a_word_is_completed(desk: Workstation, line: str, one: str) -> None:
    assert one in completed(desk, line)
