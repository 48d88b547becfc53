"""The one compiler setting for every equation.

Division by zero gives inf, never an exception: numba loses exceptions raised inside a parallel
loop. The on-disk cache does not notice an edit in another module, so it lives in a folder named
by the hash of every module that holds equations. NUMBA_DISABLE_JIT=1 steps through plain Python.
"""

import hashlib
import os
import sys
from pathlib import Path

# Between parallel loops threads rest: spinning, they slow the rest of the work on small machines.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba
from numba import njit

HERE = Path(__file__).parent


def source_hash() -> str:
    """Hash of the modules that hold compiled equations: they all import this one."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(HERE.rglob("*.py")):
        text = path.read_bytes()
        if path.name == "compiled.py" or b"compiled import" in text:
            digest.update(path.name.encode() + text)
    return digest.hexdigest()


def cache_root() -> Path:
    """Where compiled code is kept between runs: $HEADWATER_CACHE, or the user's cache folder."""
    if "HEADWATER_CACHE" in os.environ:
        return Path(os.environ["HEADWATER_CACHE"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "headwater"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "headwater"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "headwater"


numba.config.CACHE_DIR = str(cache_root() / f"equations-{source_hash()}")

# An equation works on numbers and, in place, on arrays that it is given. It allocates nothing and
# returns numbers, never an array or a view: so no references are counted, which took two thirds
# of the time (docs/decisions/0001).
equation = njit(error_model="numpy", cache=True, forceinline=True, _nrt=False)
allocating = njit(error_model="numpy", cache=True)
parallel_loop = njit(error_model="numpy", cache=True, parallel=True, nogil=True)
# A loop over some of the draws: threads of Python run several at once (`over_draws`). A parallel
# region of the compiler would compile the whole simulation four times over.
loop = njit(error_model="numpy", cache=True, nogil=True)
