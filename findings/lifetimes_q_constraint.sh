#!/bin/sh
# lifetimes 0.11.3: where spend is uneven, q_constraint=True, which its docstring names against
# negative values with q below 1, ends at q = 1.0 exactly, and everybody's expected spend is NaN,
# without an error. Without it, one-time customers (frequency 0) are expected to spend -193.90 a
# purchase.
#
# conditional_expected_average_profit adds (1 - w) times the mean over the customers, p v / (q - 1);
# at the bound that is 0 times infinity also for who has a spend of their own.
#
# Seen with lifetimes 0.11.3, pandas 3.1.1, numpy 2.4.6, scipy 1.17.1 on CPython 3.11:
SEEN='q_constraint=False: q 0.79; expected spend of who bought once -193.90; of 600 others 0 are NaN
q_constraint=True: q 1.00; expected spend of who bought once nan; of 600 others 600 are NaN'
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --disable-pip-version-check install --quiet \
    lifetimes==0.11.3 autograd==1.9.1 dill==0.4.1 numpy==2.4.6 pandas==3.1.1 \
    scipy==1.17.1 python-dateutil==4.0.0 tzdata==2026.6
cat > "$folder/shop.py" <<'EOF'
import random

import pandas as pd
from lifetimes import GammaGammaFitter

rng = random.Random(1)
rows = []
for _ in range(600):
    repeats, scale = rng.randint(1, 6), 10 / rng.gammavariate(0.8, 1)
    spend = sum(rng.gammavariate(4, scale) for _ in range(repeats))
    rows.append((repeats, round(spend / repeats, 2)))
known = pd.DataFrame(rows, columns=["frequency", "monetary_value"])
for constraint in (False, True):
    fit = GammaGammaFitter().fit(*known.T.values, q_constraint=constraint)
    expected = fit.conditional_expected_average_profit
    once = expected(pd.Series([0]), pd.Series([0.0])).iloc[0]
    lost = int(expected(known["frequency"], known["monetary_value"]).isna().sum())
    print(
        f"q_constraint={constraint}: q {fit.params_['q']:.2f}; expected spend of who bought once "
        f"{once:.2f}; of {len(known)} others {lost} are NaN"
    )
EOF
found=$("$folder/venv/bin/python" -W ignore "$folder/shop.py")
printf '%s\n' "$found"
[ "$found" = "$SEEN" ] || { echo "this is not what was seen:" >&2; printf '%s\n' "$SEEN" >&2; exit 1; }
