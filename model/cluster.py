"""Cluster: work on many items, here or on a Dask cluster that the user names.

Results come in the order of the items, and each follows from its item alone, so that workers
change no byte. What is sent are functions and numbers of Headwater itself: a worker needs the same
Headwater and the same numerical libraries, the scheduler needs neither. Nothing leaves the
machine unless an address is given. What comes back is unpickled: name only a cluster that you
trust.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import platform
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from .problems import BadInput, Mark, Problem, Unfinished

if TYPE_CHECKING:
    from distributed import Client, Future

A = TypeVar("A")
B = TypeVar("B")

OPTION = "--cluster"
EXAMPLE = "tcp://scheduler:8786"
ANSWER = 5.0  # seconds in which a scheduler must answer
LONGEST = 2**20  # bytes of a scheduler's first message
ALONE = 60.0  # seconds for which work waits while there is no worker
LOOK = 2.0  # seconds between looks at whether there are workers
AHEAD = 2  # items asked for ahead, for each thread of a worker
# Libraries whose arithmetic results follow from.
ARITHMETIC = ("numpy", "scipy", "numba")


class Lost(Unfinished):
    """A cluster went away, or has no worker left, while there was work."""


def mapped(
    work: Callable[[A], B], items: Iterable[A], address: str | None = None, inputs: str = ""
) -> Iterator[B]:
    """`work` of each item, in order: here, or on the cluster at `address`.

    Few items are asked for ahead, so that memory stays bounded. A worker that dies is survived:
    its items go to another. `work` and items must pickle; `inputs` is a hash of what `work`
    holds, by which a worker knows that it got the same. BadInput where the cluster cannot be
    used, Lost where it is gone before the end.
    """
    if address is None:
        return map(work, items)
    client = connected(address)
    try:
        check_workers(client, address)
    except BaseException:
        client.close()
        raise
    return _shared(client, address, work, items, inputs)


# --- the address


def refuse_unreachable(address: str) -> None:
    """BadInput unless somebody listens at a well-formed address; asked before any work."""
    host, port = _host_and_port(address)
    try:
        with socket.create_connection((host, port), timeout=ANSWER) as opened:
            if address.startswith("tcp:"):
                _refuse_something_else(opened, address)
    except OSError as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else _reason(error)
        allowed = (
            "the address that `dask scheduler` prints; is it running, is the port open, "
            "is this machine in its network?"
        )
        raise _refused(f"`{address}`, which cannot be reached ({reason})", allowed) from None


def _refuse_something_else(opened: socket.socket, address: str) -> None:
    """BadInput unless a scheduler speaks first, as Dask does: the length of its first message."""
    opened.settimeout(ANSWER)
    try:
        first = opened.recv(8)
    except OSError:
        first = b""
    if not 0 < int.from_bytes(first.ljust(8, b"\xff"), "little") < LONGEST:
        allowed = "the address of a Dask scheduler, not of its page or of another service"
        raise _refused(f"`{address}`, where something else answers", allowed)


def _host_and_port(address: str) -> tuple[str, int]:
    allowed = f"tcp://HOST:PORT or tls://HOST:PORT, as in {EXAMPLE}"
    try:
        parts = urlsplit(address)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # a port that is no number
        pass
    raise _refused(f"`{address}`", allowed)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _refused(found: str, allowed: str) -> BadInput:
    return BadInput([Problem(Mark(OPTION, 0, 0), "", found, allowed)])


def connected(address: str) -> Client:
    """A client of the scheduler; BadInput within seconds where there is none."""
    refuse_unreachable(address)
    try:
        from distributed import Client  # noqa: PLC0415  half a second, for clusters only
    except ImportError:
        allowed = "with the library for clusters: pip install 'headwater[cluster]'"
        raise _refused(f"`{address}`, but no library to reach it", allowed) from None
    for name in ("distributed", "distributed.client"):  # a loss is told once, by us
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, RuntimeError):  # it answers, but with something else
        allowed = "the address of a Dask scheduler, not of its page or of another service"
        raise _refused(f"`{address}`, where something else answers", allowed) from None


# --- who the workers are


@cache
def about() -> dict[str, str]:
    """What must be the same wherever a part of the work is done."""
    found = {"headwater": _version("headwater"), "code": code_hash()}
    found |= {name: _version(name) for name in ARITHMETIC}
    return found | {"python": ".".join(platform.python_version_tuple()[:2])}


def code_hash() -> str:
    """Hash of every module of the model: two checkouts may bear the same version."""
    here = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(here.rglob("*.py")):
        digest.update(path.relative_to(here).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def check_workers(client: Client, address: str) -> None:
    """BadInput where there is no worker, or one that cannot do the same work."""

    def asked() -> dict[str, str] | str:
        try:
            from model.cluster import about  # noqa: PLC0415  on the worker

            return about()
        except Exception as error:  # whatever is wrong over there is told here
            return f"{type(error).__name__}: {error}"

    answers = client.run(asked)
    if not answers:
        allowed = f"a cluster with workers: on each machine start `dask worker {address}`"
        raise _refused(f"`{address}`, a scheduler without workers", allowed)
    for worker, answer in sorted(answers.items()):
        _check_worker(worker, answer)


def _check_worker(worker: str, answer: dict[str, str] | str) -> None:
    if isinstance(answer, str):
        allowed = "workers started in an environment where Headwater is installed"
        raise _refused(f"worker {worker}, which cannot import Headwater ({answer})", allowed)
    here = about()
    differ = [name for name in here if answer.get(name) != here[name]]
    if differ:
        there = ", ".join(f"{name} {answer.get(name, 'none')}" for name in differ)
        same = ", ".join(f"{name} {here[name]}" for name in differ)
        allowed = f"the same as here, for the same results: {same}"
        raise _refused(f"worker {worker} with {there}", allowed)


# --- the work


def _shared(
    client: Client, address: str, work: Callable[[A], B], items: Iterable[A], inputs: str
) -> Iterator[B]:
    """Results in order; what is not yet done is dropped when nobody asks further."""
    sent = pickle.dumps((work, inputs, about()), protocol=5)
    done = _remote()
    ahead = iter(items)
    asked: deque[Future] = deque()
    with client:
        while True:
            room = max(AHEAD * _threads(client, address), 1) - len(asked)
            for item in islice(ahead, max(room, 0)):
                parcel = pickle.dumps(item, protocol=5)
                asked.append(client.submit(done, sent, parcel, pure=False))
            if not asked:
                return
            yield pickle.loads(_waited(client, address, asked.popleft()))


def _threads(client: Client, address: str) -> int:
    """Threads of all workers; Lost where the scheduler does not answer any more."""
    try:
        return sum(client.nthreads().values())
    except OSError as error:  # of a connection that was closed, too
        raise Lost(_told(address, error)) from None


def _remote() -> Callable[[bytes, bytes], bytes]:
    """The function that a worker runs. It goes by value: a scheduler has no Headwater to import."""

    def done(sent: bytes, parcel: bytes) -> bytes:
        import pickle  # noqa: PLC0415  on the worker

        from model.cluster import refuse_other  # noqa: PLC0415

        work, inputs, expected = pickle.loads(sent)
        refuse_other(expected, work, inputs)
        return pickle.dumps(work(pickle.loads(parcel)), protocol=5)

    return done


def refuse_other(expected: dict[str, str], work: Any, inputs: str) -> None:
    """On a worker, which may have come later: the same Headwater, and the same inputs."""
    if about() != expected:
        raise ImportError(f"has {about()}, not {expected}")
    found = getattr(work, "inputs", inputs)
    if found != inputs:
        raise ImportError(f"got inputs {found}, not {inputs}")


def _waited(client: Client, address: str, future: Future) -> bytes:
    """The result of one item; Lost where it cannot come any more."""
    alone_since: float | None = None
    while True:
        try:
            result: bytes = future.result(timeout=LOOK)
            return result
        except TimeoutError:  # ours, or of the work; it may be done meanwhile, and is asked again
            if future.status == "error" and isinstance(future.exception(ANSWER), TimeoutError):
                raise
        except ImportError as error:
            allowed = "workers with the same Headwater and libraries as here"
            raise _refused(f"a worker of `{address}` that {error}", allowed) from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("distributed", "concurrent", "dask"):
                raise Lost(_told(address, error)) from None
            raise
        alone = client.status == "running" and not _threads(client, address)
        now = time.monotonic()
        alone_since = (alone_since or now) if alone or client.status != "running" else None
        if alone_since is not None and now - alone_since > ALONE:
            raise Lost(f"`{address}` had no worker for {ALONE:.0f} s")


def _told(address: str, error: Exception) -> str:
    if type(error).__name__ == "KilledWorker":
        return f"on `{address}` several workers died on the same chunk: is their memory enough?"
    return f"`{address}` cannot be reached any more ({type(error).__name__})"
