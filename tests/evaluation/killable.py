"""A program that evaluates slowly, for tests that kill it: ``killable.py CASES CONCURRENCY``.

Every call of the target is noted in ``calls.log`` before it starts, in one atomic write.
"""

import asyncio
import hashlib
import os
import sys
import time

import evalkit


def _draw(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def bot(question: str, repeat: int) -> str:
    """Answer after about 10 ms; fail on every eleventh question."""
    log = os.open("calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{question} {repeat}\n".encode())
    os.close(log)
    time.sleep(0.002 + 0.016 * _draw(question))
    if int(question[1:]) % 11 == 10:
        raise ValueError(f"cannot answer {question}")
    return f"answer to {question}" if _draw(question + "right") < 0.7 else "no idea"


async def slow_score(outputs: str) -> float:
    """Score after a moment, to more digits than a careless format would keep."""
    await asyncio.sleep(0.001)
    return _draw(outputs) / 3.0


def words(outputs: str) -> dict[str, float]:
    """Score by two metrics at once."""
    return {"count": len(outputs.split()), "share": len(outputs) / 7.0}


def main() -> None:
    """Evaluate, in the current folder's store."""
    cases, concurrency = int(sys.argv[1]), int(sys.argv[2])
    rows = [{"question": f"q{i}", "expected": f"answer to q{i}"} for i in range(cases)]
    result = evalkit.evaluate(
        "killable:bot",
        rows,
        ["text.exact_match", "text.token_f1", evalkit.scorer(slow_score), evalkit.scorer(words)],
        name="killed",
        repeats=2,
        runtime=evalkit.Runtime(concurrency=concurrency),
    )
    sys.stdout.write(f"{result.run_id}\n")


if __name__ == "__main__":
    import killable  # type: ignore[import-not-found]  # so that its functions are found under an importable name

    killable.main()
