"""`massager-ctl completion`: what a shell needs to complete our words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


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

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(massager_ctl, {}, "massager-ctl", "_MASSAGER_CTL_COMPLETE").source())
