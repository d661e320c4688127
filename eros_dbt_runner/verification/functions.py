"""Categories 2 and 8: the functions give the right values, and soon enough.

The values are those of the dbt test tests/dbt/singular/function_vectors.sql, whose constants are read.
"""

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial

from eros_dbt_runner.verification.checks import Check, Deployment, Finding

TOLERANCE = 1e-9
BOUNDS = ("lower_bound", "upper_bound", "exploration_bonus")
SAMPLES = 1_000
CALLS = 100_000
NULL = "cast(null as"  # how the vectors write a NULL, with a type


# ---- 2: values ----


def _keys(function: str, deployment: Deployment) -> Finding:
    """A text's key, to the letter; NULL has none."""
    vectors = deployment.declared.vectors
    expected: list[str | None] = [vectors["sha256"][normal] for _, _, normal in vectors["texts"]]
    texts = [text for _, text, _ in vectors["texts"]]
    problems = _wrong_texts(deployment, function, [*texts, None], [*expected, None])
    return Finding.of(f"{len(texts)} texts have their key, and NULL none", problems)


def _bounds(deployment: Deployment) -> Finding:
    name = "wilson_score_bounds"
    function = deployment.tables.function(name)
    expected = {
        f"({function}({_argument(successes)}, {_argument(failures)})).{part}":
            (f"{name}({successes}, {failures}).{part}", value)
        for successes, failures, *values in deployment.declared.vectors["bounds"]
        for part, value in zip(BOUNDS, values, strict=True)
    }  # fmt: skip
    return _numbers(deployment, expected, TOLERANCE)


def _draws(deployment: Deployment) -> Finding:
    function = deployment.tables.function("wilson_draw")
    expected = {
        f"{function}({_argument(successes)}, {_argument(failures)}, {_argument(u)})":
            (f"wilson_draw({successes}, {failures}, {u})", value)
        for successes, failures, u, value in deployment.declared.vectors["draws"]
    }  # fmt: skip
    return _numbers(deployment, expected, TOLERANCE)


def _uniform(deployment: Deployment) -> Finding:
    """Equal to the last bit: a schedule must come out the same on every engine."""
    vectors = deployment.declared.vectors["uniforms"]
    keys = [key for key, _ in vectors]
    expected = [float(numerator) / 2**52 for _, numerator in vectors]
    problems = _wrong_texts(deployment, "uniform_draw", [*keys, None], [*expected, None])
    return Finding.of(f"{len(keys)} keys have their number to the last bit, and NULL none", problems)


def _sample(deployment: Deployment) -> Finding:
    """A random number has no right value, but it stays within the bounds and is not the same twice."""
    [(lower, upper)] = [
        (float(lower), float(upper))
        for successes, failures, lower, upper, _ in deployment.declared.vectors["bounds"]
        if (successes, failures) == (10, 90)
    ]
    function = deployment.tables.function("wilson_sample")
    [row] = deployment.tables.rows(
        "select min(sample) as lowest, max(sample) as highest, count(distinct sample) as n from"  # noqa: S608
        f" (select {function}(10, 90) as sample from {_series(deployment, SAMPLES)}) as samples"
    )
    problems = []
    if row["n"] < SAMPLES * 0.9:
        problems.append(f"only {row['n']} of {SAMPLES} samples of wilson_sample(10, 90) differ")
    elif not lower <= row["lowest"] <= row["highest"] <= upper:
        problems.append(f"wilson_sample(10, 90) gave {row['lowest']} to {row['highest']},"
                        f" outside {lower} to {upper}")  # fmt: skip
    return Finding.of(f"{SAMPLES} samples within the bounds, {row['n']} distinct", problems)


def _wrong_texts(
    deployment: Deployment, function: str, texts: Sequence[str | None], expected: Sequence[object]
) -> list[str]:
    """What a function of one text gives for each, where it is not exactly what is expected."""
    given = " union all ".join(f"select {number} as n, ? as given" for number in range(len(texts)))
    rows = deployment.tables.rows(
        f"select n, {deployment.tables.function(function)}(given) as value"  # noqa: S608
        f" from ({given}) as texts order by n",
        texts,
    )
    return [
        f"{function}({text!r}) is {row['value']} and should be {right}"
        for text, row, right in zip(texts, rows, expected, strict=True)
        if row["value"] != right
    ]


def _numbers(deployment: Deployment, expected: Mapping[str, tuple[str, str]], tolerance: float) -> Finding:
    """Compare expressions with the values of their vectors; NULL is equal to NULL alone."""
    given = _values(deployment, list(expected))
    problems = [
        f"{shown} is {value} and should be {_number(text)}"
        for value, (shown, text) in zip(given, expected.values(), strict=True)
        if not _is_close(value, _number(text), tolerance)
    ]
    return Finding.of(f"{len(given)} values within {tolerance:g}", problems)


def _is_close(value: float | None, right: float | None, tolerance: float) -> bool:
    if value is None or right is None:
        return value is right
    return math.isclose(value, right, rel_tol=0, abs_tol=tolerance)


def _values(deployment: Deployment, expressions: Sequence[str]) -> list[float | None]:
    """What the expressions give, in one query."""
    columns = ", ".join(f"{expression} as v{number}" for number, expression in enumerate(expressions))
    [row] = deployment.tables.rows(f"select {columns}")
    return list(row.values())


def _argument(vector: object) -> str:
    return "null" if NULL in str(vector) else str(vector)


def _number(vector: str) -> float | None:
    return None if NULL in vector else float(vector)


def _series(deployment: Deployment, last: int) -> str:
    return deployment.declared.engine_sql("integer_series", 1, last, "n")


BEHAVIOUR = (
    Check("functions", "caption_key_v2", partial(_keys, "caption_key_v2")),
    Check("functions", "caption_key", partial(_keys, "caption_key")),
    Check("functions", "wilson_score_bounds", _bounds),
    Check("functions", "wilson_draw", _draws),
    Check("functions", "wilson_sample", _sample),
    Check("functions", "uniform_draw", _uniform),
)


# ---- 8: time ----


def _is_fast(what: str, template: str, deployment: Deployment) -> Finding:
    """Whether CALLS calls of a function end within the limit; a query that would not is stopped then.

    `template` is an expression over `n`, a whole number that differs from call to call; `{name}` stands
    for a function's name. All results are used, so that no engine can leave a call out.
    """
    names = {name: deployment.tables.function(name) for name in deployment.declared.routines}
    began = time.monotonic()
    deployment.tables.rows(
        f"select count(distinct result) as n from (select {template.format(**names)} as result"  # noqa: S608
        f" from {_series(deployment, CALLS)}) as results",
        stop_after=deployment.limit,
    )
    seconds = time.monotonic() - began
    found = f"{CALLS:,} {what} in {seconds:.2f} s, limit {deployment.limit:g} s"
    return Finding.of(found, [found] if seconds > deployment.limit else [])


PERFORMANCE = (
    Check("performance", "caption_key_v2", partial(
        _is_fast, "texts", "{caption_key_v2}(concat('New post 🔥, number ', cast(n as string), '!'))"
    )),
    Check("performance", "wilson_score_bounds", partial(
        _is_fast, "pairs", "({wilson_score_bounds}(n, 100001 - n)).lower_bound"
    )),
    Check("performance", "wilson_draw", partial(_is_fast, "draws", "{wilson_draw}(n, 100001 - n, 0.5e0)")),
    Check("performance", "uniform_draw", partial(_is_fast, "keys", "{uniform_draw}(cast(n as string))")),
)  # fmt: skip
