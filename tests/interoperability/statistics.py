"""Makes statistics.json: values of scipy and statsmodels that src/report/statistics.rs is held to.

Run once, by hand:  pip install scipy statsmodels && python statistics.py > statistics.json
"""

import json
import random

from scipy.special import gammaln
from scipy.stats import fisher_exact, norm, poisson
from statsmodels.stats.proportion import proportion_confint

random.seed(20250310)


def wilson_rows():
    rows = []
    for n in [1, 2, 3, 5, 10, 20, 60, 171, 288, 1440, 3240, 100000]:
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n} | {random.randint(0, n) for _ in range(6)}):
            if k <= n:
                low, high = proportion_confint(k, n, alpha=0.05, method="wilson")
                rows.append([k, n, max(0.0, float(low)), min(1.0, float(high))])
    return rows


def fisher_rows():
    rows = []
    sizes = [(1, 1), (5, 9), (10, 10), (20, 20), (60, 60), (200, 40), (1080, 3240), (20000, 50000)]
    for a_n, b_n in sizes:
        for _ in range(20):
            p = random.random()
            q = min(1.0, max(0.0, p + random.gauss(0, 0.15)))
            a = sum(random.random() < p for _ in range(a_n))
            b = sum(random.random() < q for _ in range(b_n))
            _, value = fisher_exact([[a, a_n - a], [b, b_n - b]])
            rows.append([a, a_n, b, b_n, float(value)])
    return rows


def poisson_rows():
    rows = []
    for mean in [0.01, 0.1, 0.3, 0.6, 1, 1.7, 3, 5.5, 10, 33, 80, 250, 499]:
        k = 0
        while poisson.sf(k, mean) >= 0.001:
            k += 1
        rows.append([mean, k])
    return rows


def shown_rows():
    rows = []
    for n in [1, 5, 20, 59, 60, 299, 2995, 43200]:
        rows.append([n, 0, 0.05 ** (1 / n)])
        for down in {1, n // 4, n // 2}:
            if 0 < down <= n:
                low, _ = proportion_confint(n - down, n, alpha=0.10, method="wilson")
                rows.append([n, down, max(0.0, float(low))])
    return rows


document = {
    "made_by": "tests/interoperability/statistics.py",
    "wilson": wilson_rows(),
    "fisher": fisher_rows(),
    "poisson_high": poisson_rows(),
    "availability_shown": shown_rows(),
    "ln_gamma": [[x, float(gammaln(x))] for x in [1, 1.5, 2, 3.25, 9.99, 10, 55, 1000, 1e6, 1e9]],
}
assert abs(norm.ppf(0.975) - 1.959963984540054) < 1e-15
print("{")
print(",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()))
print("}")
