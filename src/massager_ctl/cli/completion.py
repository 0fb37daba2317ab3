"""`massager-ctl completion`: what a shell needs to complete our words."""

from __future__ import annotations

import os
import shlex
from typing import Final

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class

_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n' word kind value colons
    local before="${COMP_LINE:0:COMP_POINT}"
    word="${before##*[[:space:]]}"
    # bash takes a colon for the end of a word, and addresses have colons.
    colons="${word%%"${word##*:}"}"
    [[ $COMP_WORDBREAKS == *:* ]] || colons=
    for response in $(env COMP_BEFORE="$before" %(complete_var)s=bash_complete $1); do
        IFS=',' read -r kind value <<< "$response"
        if [[ $kind == dir ]]; then
            COMPREPLY=(); compopt -o dirnames
        elif [[ $kind == file ]]; then
            COMPREPLY=(); compopt -o default
        elif [[ $kind == plain ]]; then
            COMPREPLY+=("${value#"$colons"}")
        fi
    done
    [[ ${COMPREPLY[0]} != *: ]] || compopt -o nospace
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion in bash of words that have colons in them, as every address has."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        before = os.environ["COMP_BEFORE"]
        try:
            words = shlex.split(before)
        except ValueError:  # a quote that is still open
            words = before.split()
        incomplete = "" if before[-1:].isspace() else words.pop()
        return words[1:], incomplete


def take_words_with_colons() -> None:
    """Have click complete for bash as here."""
    add_completion_class(Bash)


@click.command(
    "completion",
    epilog="""\b
Examples:
  massager-ctl completion bash >> ~/.bash_completion
  massager-ctl completion zsh > ~/.zfunc/_massager-ctl
  massager-ctl completion fish > ~/.config/fish/completions/massager-ctl.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL: commands, profiles, zones and devices."""
    from massager_ctl.cli.root import massager_ctl

    take_words_with_colons()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(massager_ctl, {}, "massager-ctl", "_MASSAGER_CTL_COMPLETE").source())
