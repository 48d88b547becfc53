"""Episodes: the same scenario one person at a time (docs/episodes.md)."""

from .case import Case, case_of
from .checks import prepare
from .run import Replication, replicate, run

__all__ = ["Case", "Replication", "case_of", "prepare", "replicate", "run"]
