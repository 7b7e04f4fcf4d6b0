"""The table of docs/reliability.md."""
import statistics

from .faults import FAULTS, REFUSES


def rows(run, findings):
    for name in FAULTS:
        times = run.resumed.get(name, [])
        refused = {state: count for (fault, state), count in findings.refused.items() if fault == name}
        wrong, lost, hung = (findings.counts[kind, name] for kind in ("wrong", "lost", "hung"))
        if times or hung:
            p50, most = (f"{value:.1f} s" for value in ((statistics.median(times), max(times)) if times else (0, 0)))
            states = ", ".join(f"{state}: {count}" for state, count in sorted(refused.items()))
            yield name, len(times) + hung, sum(refused.values()), wrong, lost, hung, p50, most, states


def toothless(run, findings):
    """Faults that came and were not felt though they must be."""
    felt = {fault for fault, _ in findings.refused}
    return [name for name in run.resumed if name.startswith(REFUSES) and name not in felt]


def table(run, findings):
    head = "| fault | count | refused | wrong | lost | hung | p50 | max | SQLSTATEs |\n|---|---|---|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows(run, findings))
