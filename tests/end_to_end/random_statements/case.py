"""A case: statements that are run one after the other on both sides, in a transaction that is rolled back."""
import dataclasses

from .node import Sequence, text_of


@dataclasses.dataclass
class Case:
    shape: str
    steps: Sequence                 # of statements
    ordered: bool = False           # the order of the last one's rows is promised
    changed: tuple = ()             # tables whose contents are compared afterwards
    settings: tuple = ()            # of the planner and of ours
    role: str = ""                  # reads on the encrypted side; the plain side answers from its model
    extended: bool = False          # one statement, by Parse, Bind, Describe, Execute
    binary: bool = False            # with parameters in binary
    declared: bool = False          # whose types the client tells

    def texts(self):
        return [text for step in self.steps.pieces if (text := text_of(step)[0])]

    def written(self):
        return ";\n".join([f"SET LOCAL {setting}" for setting in self.settings] + ([f"SET LOCAL ROLE {self.role}"] if self.role else []) + self.texts())
