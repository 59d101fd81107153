"""What other files need to know of one: its functions, their steps in order, its classes and imports.

All of it is plain data, so that files are read side by side and a summary is kept until the file changes.
A *step* is a call, an assignment to something that is imported (a flag), or a mention of a function.  Its
name is full where the file tells it: `torch.manual_seed`, `.utils.seed_all` of a relative import, `:train`
and `:Trainer.fit` of what the file itself defines; else it is None, and there is the last name alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

#: The steps of a file that are in no function.
MODULE: Final = "<module>"
#: The branch of `if __name__ == "__main__"`, which does not run where a file is imported.
GUARD: Final = "__main__"


class SourcePlace(NamedTuple):
    """Where a call or statement stands: lines from 1, columns from 1 in characters.

    `end_column` is that behind the last character; 0 where it is not known.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int = 0


class SourceValue(NamedTuple):
    """An argument or an assigned value, as it is written.

    Attributes:
        text: the source, at most a line of it.
        name: what it names, if it is a name: as of a step; of a call what is called, with "()".
        constant: whether it is a literal.
        reads: the names that it is made of, also through variables of its function; texts are in quotes.
        terms: the names that it is a sum of, each as it is and not multiplied.
    """

    text: str
    name: str | None
    constant: bool
    reads: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()


#: No arguments by name.
NOTHING: Final[Mapping[str, SourceValue]] = {}


class SourceStep(NamedTuple):
    """One thing that a function does.

    Attributes:
        kind: a call, an assignment, or a mention of a function or class that is not called there.
        place: where.
        name: what is called, set or mentioned.
        attr: its last name.
        owner: what a method is called on, as it is written ("self.rng"); "" for a function.
        target: what the result is assigned to, as it is written.
        args: what is given by place; of an assignment the value.
        keywords: what is given by name; "**" for a mapping.
        loops: how many loops of the function are around it, comprehensions among them.
        within: full names of what the `with` statements around it enter ("torch.no_grad"), and "if", "try",
            "finally", "except", "else" of the branches that it is in.
        unordered: whether the order of what it gives is lost: it is sorted, counted, or not used.
    """

    kind: Literal["call", "set", "mention", "import"]
    place: SourcePlace
    name: str | None
    attr: str
    owner: str = ""
    target: str = ""
    args: tuple[SourceValue, ...] = ()
    keywords: Mapping[str, SourceValue] = NOTHING
    loops: int = 0
    within: tuple[str, ...] = ()
    unordered: bool = False

    def given(self, number: int | None, *names: str) -> SourceValue | None:
        """The argument at a place, or by one of these names."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.args[number] if number is not None and number < len(self.args) else None


@dataclass(frozen=True, slots=True)
class Function:
    """A function, a method or the module itself.

    Attributes:
        name: "Trainer.fit"; "train.<locals>.step" for one that is defined in another.
        parameters: their names, in order.
        decorators: full names.
        reads: names that are read in it, and attributes, with a point before: ".seed".
        iterated: the last names of what its loops go over, each with the number of loops around it.
    """

    name: str
    place: SourcePlace
    parameters: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    steps: tuple[SourceStep, ...] = ()
    reads: frozenset[str] = frozenset()
    returned: tuple[SourceValue, ...] = ()
    iterated: tuple[tuple[str, int], ...] = ()

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Class:
    """A class: the names of its bases, and of its methods."""

    name: str
    place: SourcePlace
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One file.

    Attributes:
        file: its path, as findings name it.
        lines: how many it has.
        functions: by name; `MODULE` is what runs as the file is loaded.
        imports: name -> full name, of the top level.
        stars: modules whose every name is imported.
        guarded: whether it asks for `__name__ == "__main__"`.
        works: whether it does something when it is loaded, but for definitions, imports and constants.
    """

    file: str
    lines: int = 0
    functions: Mapping[str, Function] = field(default_factory=dict)
    classes: Mapping[str, Class] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    guarded: bool = False
    works: bool = False

    @property
    def words(self) -> frozenset[str]:
        """The names that the file mentions, and its attributes, with a point before."""
        return frozenset().union(*(function.reads for function in self.functions.values()))
