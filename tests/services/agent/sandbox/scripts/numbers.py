"""Ordinary analyses of series and tables: numpy, scipy, pandas, threads."""

import asyncio
import json
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import interpolate, optimize, signal, stats


def product_of_matrices():
    """BLAS, on as many threads as it starts."""
    n = 400
    left = np.arange(n * n, dtype=float).reshape(n, n) / n
    return float(np.trace(left @ np.eye(n)))


def eigenvalues():
    return np.linalg.eigvalsh(np.diag([3.0, 1.0, 2.0])).tolist()


def pool_of_threads():
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(lambda n: n * n, range(100)))


def linear_trend():
    years = np.arange(1990, 2020)
    return stats.linregress(years, 0.02 * years + 0.1).slope


def spectrum():
    """Period of a monthly series that repeats every 4 years."""
    months = np.arange(480)
    frequency, power = signal.periodogram(np.sin(2 * np.pi * months / 48))
    return 1 / frequency[power.argmax()]


def spline():
    x = np.linspace(0, 2, 9)
    return float(interpolate.CubicSpline(x, x**3)(1.3))


def fitted_curve():
    x = np.linspace(0, 5, 40)
    (amplitude, decay), _ = optimize.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 3 * np.exp(-0.7 * x))
    return [float(amplitude), float(decay)]


def annual_means():
    months = pd.date_range("2000-01", periods=24, freq="MS")
    table = pd.DataFrame({"time": months, "value": months.year - 2000.0})
    place = Path(tempfile.mkdtemp()) / "table.csv"
    table.to_csv(place, index=False)
    read = pd.read_csv(place, parse_dates=["time"])
    return read.groupby(read["time"].dt.year)["value"].mean().tolist()


def copied_files():
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "deep" / "first.txt"
        first.parent.mkdir()
        first.write_text("kept")
        shutil.copy2(first, Path(folder) / "second.txt")
        shutil.copytree(first.parent, Path(folder) / "copy")
        return sorted(path.read_text() for path in Path(folder).rglob("*.txt"))


def event_loop():
    async def later():
        return await asyncio.to_thread(lambda: 7)

    return asyncio.run(later())


def random_numbers():
    return float(np.random.default_rng(0).uniform(size=100_000).mean())


ANALYSES = [
    product_of_matrices,
    eigenvalues,
    pool_of_threads,
    linear_trend,
    spectrum,
    spline,
    fitted_curve,
    annual_means,
    copied_files,
    event_loop,
    random_numbers,
]
assert sys.argv[1:] == []
Path("answers.json").write_text(json.dumps({analysis.__name__: analysis() for analysis in ANALYSES}))
