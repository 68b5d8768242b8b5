"""Operations of a scorecard, made when somebody looks at them: most of those of an overview nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from shim.review.reading.model import OperationUse


class LazyUses(Sequence[OperationUse]):
    """So many operations, which `make` makes the first time that one of them is asked for."""

    def __init__(self, count: int, make: Callable[[], tuple[OperationUse, ...]]) -> None:
        self._count = count
        self._make = make
        self._uses: tuple[OperationUse, ...] | None = None

    @property
    def uses(self) -> tuple[OperationUse, ...]:
        if self._uses is None:
            self._uses = self._make()
            del self._make
        return self._uses

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[OperationUse]:
        return iter(self.uses)

    @overload
    def __getitem__(self, at: int) -> OperationUse: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[OperationUse, ...]: ...
    def __getitem__(self, at: int | slice) -> OperationUse | tuple[OperationUse, ...]:
        return self.uses[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.uses == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.uses)
