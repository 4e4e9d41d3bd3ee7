"""How does a state hold tens of thousands of entries and still be a value?

By a trie over the hashes of its keys: a new entry copies the few small nodes on its way and shares all others with the
map before, which stays as it was. So ``evolve`` is pure at the cost of some microseconds, however large the map is.
"""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_BITS = 3
_WIDTH = 1 << _BITS
_HASH_BITS = 64
_MOST_IN_A_LEAF = 32

# A leaf is a dict of entries that is never changed, a branch a tuple of nodes by the next bits of the hash.
_EMPTY: dict[Any, Any] = {}


@dataclass(frozen=True, slots=True)
class PersistentMap(Generic[K, V]):
    """A map that is never changed; equal when its entries are."""

    _root: Any = field(default_factory=dict)

    def get(self, key: K) -> V | None:
        """The value of a key, None when it has none."""
        node, bits = self._root, hash(key)
        while type(node) is tuple:
            node, bits = node[bits % _WIDTH], bits >> _BITS
        value: V | None = node.get(key)
        return value

    def put(self, key: K, value: V) -> "PersistentMap[K, V]":
        """The map in which a key has this value."""
        return PersistentMap(_put(self._root, hash(key), 0, key, value))


def _put(node: Any, bits: int, depth: int, key: Any, value: Any) -> Any:
    if type(node) is tuple:
        place = bits % _WIDTH
        return (*node[:place], _put(node[place], bits >> _BITS, depth + 1, key, value), *node[place + 1 :])
    return _node({**node, key: value}, depth)


def _node(entries: dict[Any, Any], depth: int) -> Any:
    """A leaf, or a branch when there are too many; so the shape follows from the entries and not from their order."""
    # Keys of one and the same hash cannot be told apart by it; they stay together, however many.
    if len(entries) <= _MOST_IN_A_LEAF or depth * _BITS >= _HASH_BITS:
        return entries or _EMPTY
    children: list[dict[Any, Any]] = [{} for _ in range(_WIDTH)]
    for key, value in entries.items():
        children[(hash(key) >> depth * _BITS) % _WIDTH][key] = value
    return tuple(_node(child, depth + 1) for child in children)
