#!/usr/bin/env python3
"""Makes all of The Complete Journey for `attune bench ingest --data OUT` (see README.md beside this file).

    python3 -m venv /tmp/full && /tmp/full/bin/pip install pyarrow
    /tmp/full/bin/python make_full.py DIRECTORY_WITH_THE_PARQUET_FILES OUT

Writes purchases.csv.zst and products.csv.zst into OUT, with the columns of the sample: every purchase in the order they
happened, every product, named by its type.
"""

import io
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq


def write(table, target):
    """CSV with a header line, one zstd frame."""
    raw = io.BytesIO()
    options = pa.csv.WriteOptions(quoting_style="needed", quoting_header="none")
    pa.csv.write_csv(table, raw, options)
    packed = pa.Codec("zstd", compression_level=9).compress(raw.getvalue(), asbytes=True)
    target.write_bytes(packed)
    print(f"{target}: {table.num_rows:,} rows, {len(raw.getvalue()):,} bytes, {len(packed):,} compressed")


def main():
    source, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    t = pq.read_table(source / "transactions.parquet")
    # Numbers that were read from text may be floats or strings: as integers they sort and print alike.
    number = lambda name: pc.cast(t[name], pa.int64())
    purchases = pa.table({
        "household_id": number("household_id"),
        "basket_id": number("basket_id"),
        "product_id": number("product_id"),
        "quantity": number("quantity"),
        "price": pc.round(pc.cast(t["sales_value"], pa.float64()), 2),
        "ts": pc.cast(t["transaction_timestamp"], pa.timestamp("s"), safe=False),
    })
    write(purchases.sort_by([(name, "ascending") for name in ["ts", "basket_id", "product_id", "price"]]),
          out / "purchases.csv.zst")
    p = pq.read_table(source / "products.parquet")
    text = lambda name: pc.fill_null(pc.cast(p[name], pa.string()), "")
    products = pa.table({"product_id": pc.cast(p["product_id"], pa.int64()), "department": text("department"),
                         "category": text("product_category"), "name": text("product_type")})
    write(products.sort_by("product_id"), out / "products.csv.zst")


main()
