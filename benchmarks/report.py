"""What a benchmark found, and its table."""

import sys
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One row of a table: CPU seconds of one thing, or of ours and of what it is held against.

    Where there is a claim, ``holds`` says whether it was met.
    """

    what: str
    cpu: tuple[float, ...] = ()
    ratio: str = ""
    claim: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Report:
    """A benchmark's table, and notes that a reader of it needs."""

    title: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return all(line.holds is not False for line in self.lines)


def show(report: Report, quick: bool) -> None:
    """Print the table; of a quick run without a verdict being drawn from it."""
    # Where nothing says how wide a line may be (a file, a pipe), the tables are not folded to 80.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    table = Table(
        title=escape(report.title) + (" (quick: sizes too small for a verdict)" if quick else ""),
        title_justify="left",
    )
    table.add_column("what", overflow="fold")
    table.add_column("CPU s", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("claim", overflow="fold")
    table.add_column("holds", no_wrap=True)
    verdicts = {None: "", True: "[green]yes[/green]", False: "[red]NO[/red]"}
    for line in report.lines:
        seconds = " / ".join(f"{value:,.2f}" for value in line.cpu)
        table.add_row(escape(line.what), seconds, line.ratio, escape(line.claim), verdicts[line.holds])
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}", highlight=False, markup=False)
    console.print()
