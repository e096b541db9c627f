#!/usr/bin/env python3
"""Makes the demo's sample from The Complete Journey (see README.md beside this file).

    python3 -m venv /tmp/sample && /tmp/sample/bin/pip install pandas pyarrow
    /tmp/sample/bin/python make_sample.py DIRECTORY_WITH_THE_PARQUET_FILES

Writes purchases.csv.zst and products.csv.zst beside itself. The result depends on the input only.
"""

import hashlib
import pathlib
import re
import sys

import pandas as pd
import pyarrow as pa

HOUSEHOLDS = 220
# Not on a shelf, so nothing to recommend: fuel, coupons, services, and what the source could not classify.
NO_DEPARTMENTS = ["FUEL", "COUPON", "MISCELLANEOUS", "RESTAURANT", "AUTOMOTIVE", "PHOTO & VIDEO", "CNTRL/STORE SUP",
                  "POSTAL CENTER", "PROD-WHS SALES", "ELECT &PLUMBING", "TRAVEL & LEISURE", "GM MERCH EXP", "CHARITABLE CONT",
                  "CONTRACT SUPPLIES"]
NO_CATEGORIES = ["COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "COUPON", "NEWSPAPER", "PREPAID WIRELESS&ACCESSORIES", "NO COMMODITY DESCRIPTION"]
# A few sizes are typing mistakes, such as 971267 pk.
SIZE = r"[\d./]{1,5} ?(oz|lb|ct|pk|l|lt|ml|pt|qt|ga|gal|dz|sq ft|in|pack)"
# Weighed or bundled in the shop: the package size is the supplier's crate.
LOOSE = ["PRODUCE", "SALAD BAR", "MEAT", "SEAFOOD", "DELI", "FLORAL"]


def words(text):
    """FLUID MILK WHITE ONLY -> Fluid milk white only; FRZN ICE -> Frozen ice."""
    text = re.sub(r"\s+", " ", text.replace("FRZN", "FROZEN").replace("REFRGRATD", "REFRIGERATED")).strip(" .")
    return text[:1].upper() + text[1:].lower()


def name(p):
    """What a shopper would call it, from type, package size and brand."""
    text = words(re.sub(r"\([^)]*\)?", " ", p.product_type.replace(":", " ")))
    size = re.sub(r"\s+", " ", str(p.package_size)).strip().lower()
    if p.department not in LOOSE and re.fullmatch(SIZE, size):
        text += ", " + size
    return text + (" (store brand)" if p.brand == "Private" else "")


def write(frame, target):
    """CSV with a header line, one zstd frame at level 19."""
    raw = frame.to_csv(index=False).encode()
    packed = pa.Codec("zstd", compression_level=19).compress(raw, asbytes=True)
    target.write_bytes(packed)
    print(f"{target.name}: {len(frame):,} rows, {len(raw):,} bytes, {len(packed):,} compressed")


def main():
    source, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
    products = pd.read_parquet(source / "products.parquet").dropna(subset=["product_category", "product_type"])
    products = products[~products.department.isin(NO_DEPARTMENTS) & ~products.product_category.isin(NO_CATEGORIES)]
    products = products.assign(name=[name(p) for p in products.itertuples()],
                               category=products.product_category.map(words), department=products.department.map(words))
    # Articles that differ only in the supplier's number are one product to a shopper; the smallest number stands for them.
    products["one"] = products.groupby(["category", "name"]).product_id.transform("min")

    t = pd.read_parquet(source / "transactions.parquet").merge(products[["product_id", "one"]], on="product_id")
    t = t[(t.quantity > 0) & (t.sales_value > 0)]
    # A household counts with its whole year, if it came often enough to have a taste; which ones is decided by a hash.
    visits = t.groupby("household_id").basket_id.nunique()
    regular = sorted(visits[visits >= 20].index, key=lambda h: hashlib.sha256(str(h).encode()).hexdigest())
    t = t[t.household_id.isin(regular[:HOUSEHOLDS])]
    t = t.assign(product_id=t.one, price=t.sales_value.round(2), ts=t.transaction_timestamp.dt.strftime("%Y-%m-%d %H:%M:%S"))
    t = t.sort_values(["ts", "basket_id", "product_id", "price"])
    write(t[["household_id", "basket_id", "product_id", "quantity", "price", "ts"]], here / "purchases.csv.zst")
    bought = products[products.product_id.isin(t.product_id)].sort_values("product_id")
    write(bought[["product_id", "department", "category", "name"]], here / "products.csv.zst")


main()
