"""The tree of a statement: what is drawn at random, and what can be made smaller afterwards."""


class Node:
    """Pieces of text and other nodes. A node may stand in two places; what changes it changes both."""
    def __init__(self, pieces, kind=None, optional=False, simpler=()):
        self.pieces = list(pieces)
        self.kind = kind          # of an expression: another of its kind may replace it
        self.optional = optional  # a clause that the statement is still one without
        self.simpler = list(simpler)

    def children(self):
        return [piece for piece in self.pieces if isinstance(piece, Node)]

    def write(self, parameters):
        return "".join(piece if isinstance(piece, str) else piece.write(parameters) for piece in self.pieces)

    def walk(self):
        """This node and those below it, from the top."""
        yield self
        for child in self.children():
            yield from child.walk()

    def smaller(self):
        """Lists of pieces that could stand here instead, the shortest first."""
        if self.optional and self.pieces:
            yield []
        if self.kind:
            for leaf in self.simpler:
                if self.pieces != [leaf]:
                    yield [leaf]
            for below in self.walk():
                if below is not self and below.kind == self.kind:
                    yield below.pieces


class Sequence(Node):
    """Elements between separators, of which at least `least` stay."""
    def __init__(self, elements, separator=", ", least=1, kind=None):
        super().__init__(elements, kind)
        self.separator = separator
        self.least = least

    def write(self, parameters):
        return self.separator.join(element if isinstance(element, str) else element.write(parameters)
                                   for element in self.pieces)

    def smaller(self):
        if len(self.pieces) > 2 * self.least + 1:
            yield self.pieces[:len(self.pieces) // 2]
            yield self.pieces[len(self.pieces) // 2:]
        if len(self.pieces) > self.least:
            for index in range(len(self.pieces)):
                yield self.pieces[:index] + self.pieces[index + 1:]
        yield from super().smaller()


class Parameter(Node):
    """A value that is sent beside the text; numbered where it is first met."""
    def __init__(self, value, kind, simpler=()):
        super().__init__([], kind, simpler=simpler)
        self.value = value

    def write(self, parameters):
        if self.pieces:  # made smaller: a literal stands here now
            return super().write(parameters)
        if self not in parameters:
            parameters.append(self)
        return f"${parameters.index(self) + 1}"


def text_of(node):
    """The text, and the parameters in the order of their numbers."""
    parameters = []
    return node.write(parameters), parameters
