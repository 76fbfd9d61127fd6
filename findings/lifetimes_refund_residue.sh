#!/bin/sh
# lifetimes 0.11.3: a purchase that was refunded in full on its day can stay as a spend of 5.6e-17,
# which is above 0, so that Gamma-Gamma takes it; one such customer of 301 makes the expected spend of
# who spent 100.00 fall from 76.10 to 43.14.
#
# summary_data_from_transaction_data adds a day's amounts as binary floats: 0.10 + 0.20 - 0.30 is
# 5.551115123125783e-17. GammaGammaFitter.fit refuses a monetary_value at or below 0, but takes this
# one, and must explain a factor of 1e17 between two customers.
#
# Seen with lifetimes 0.11.3, pandas 3.1.1, numpy 2.4.6, scipy 1.17.1 on CPython 3.11:
SEEN='residue 5.551115123125783e-17
without it: p 4.26, q 3.44; who spent 100.00 once is to spend 76.10
with it: p 0.85, q 6.33; who spent 100.00 once is to spend 43.14'
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
from lifetimes.utils import summary_data_from_transaction_data


def fitted(rows):
    data = pd.DataFrame(rows, columns=["id", "day", "amount"])
    data["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(data["day"], unit="D")
    known = summary_data_from_transaction_data(data, "id", "day", "amount")
    took = known[known["monetary_value"] > 0]
    fit = GammaGammaFitter().fit(took["frequency"], took["monetary_value"])
    p, q, v = fit.params_[["p", "q", "v"]]
    once, mean = pd.Series([1]), pd.Series([100.0])
    expected = fit.conditional_expected_average_profit(once, mean).iloc[0]
    return known, f"p {p:.2f}, q {q:.2f}; who spent 100.00 once is to spend {expected:.2f}"


rng = random.Random(1)
rows = []
for customer in range(300):
    rate = rng.gammavariate(3.5, 1 / 20)
    for day in rng.sample(range(300), rng.randint(2, 9)):
        rows.append((f"c{customer}", day, round(rng.gammavariate(4, 1 / rate), 2)))
refunded = [("refunded", 1, 30.0), ("refunded", 9, 0.1), ("refunded", 9, 0.2), ("refunded", 9, -0.3)]
_, without = fitted(rows)
known, with_it = fitted(rows + refunded)
print("residue", repr(float(known.loc["refunded", "monetary_value"])))
print("without it:", without)
print("with it:", with_it)
EOF
found=$("$folder/venv/bin/python" -W ignore "$folder/shop.py")
printf '%s\n' "$found"
[ "$found" = "$SEEN" ] || { echo "this is not what was seen:" >&2; printf '%s\n' "$SEEN" >&2; exit 1; }
