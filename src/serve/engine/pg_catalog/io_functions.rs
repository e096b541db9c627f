//! `pg_proc`: the functions that Postgres reads and writes values of types with. Drivers know types by them: `array_recv` is an array's.

use super::{CATALOG_SCHEMA, OWNER_OID};
use crate::serve::engine::system::{Cell, SystemRelation};
use attune_sql::types::SqlType::{BigInt, Boolean, SmallInt, Text};

/// The functions of a type: from text, to text, from bytes, to bytes.
pub(super) struct Functions {
    names: [&'static str; 4],
    /// Their oids in Postgres.
    pub(super) oids: [i64; 4],
}

const fn functions(names: [&'static str; 4], oids: [i64; 4]) -> Functions {
    Functions { names, oids }
}

/// By the name of the type; `_` is every array.
const ALL: [(&str, Functions); 15] = [
    ("bool", functions(["boolin", "boolout", "boolrecv", "boolsend"], [1_242, 1_243, 2_436, 2_437])),
    ("bytea", functions(["byteain", "byteaout", "bytearecv", "byteasend"], [1_244, 31, 2_412, 2_413])),
    ("int8", functions(["int8in", "int8out", "int8recv", "int8send"], [460, 461, 2_408, 2_409])),
    ("int2", functions(["int2in", "int2out", "int2recv", "int2send"], [38, 39, 2_404, 2_405])),
    ("int4", functions(["int4in", "int4out", "int4recv", "int4send"], [42, 43, 2_406, 2_407])),
    ("text", functions(["textin", "textout", "textrecv", "textsend"], [46, 47, 2_414, 2_415])),
    ("float4", functions(["float4in", "float4out", "float4recv", "float4send"], [200, 201, 2_424, 2_425])),
    ("float8", functions(["float8in", "float8out", "float8recv", "float8send"], [214, 215, 2_426, 2_427])),
    ("varchar", functions(["varcharin", "varcharout", "varcharrecv", "varcharsend"], [1_046, 1_047, 2_432, 2_433])),
    ("date", functions(["date_in", "date_out", "date_recv", "date_send"], [1_084, 1_085, 2_468, 2_469])),
    (
        "timestamp",
        functions(["timestamp_in", "timestamp_out", "timestamp_recv", "timestamp_send"], [1_312, 1_313, 2_474, 2_475]),
    ),
    (
        "timestamptz",
        functions(
            ["timestamptz_in", "timestamptz_out", "timestamptz_recv", "timestamptz_send"],
            [1_150, 1_151, 2_476, 2_477],
        ),
    ),
    (
        "interval",
        functions(["interval_in", "interval_out", "interval_recv", "interval_send"], [1_160, 1_161, 2_478, 2_479]),
    ),
    ("numeric", functions(["numeric_in", "numeric_out", "numeric_recv", "numeric_send"], [1_701, 1_702, 2_460, 2_461])),
    ("_", functions(["array_in", "array_out", "array_recv", "array_send"], [750, 751, 2_400, 2_401])),
];

/// The functions of a type by its name in `pg_type`.
pub(super) fn of_type(name: &str) -> Option<&'static Functions> {
    let name = if name.starts_with('_') { "_" } else { name };
    ALL.iter().find(|(own, _)| *own == name).map(|(_, functions)| functions)
}

fn all() -> impl Iterator<Item = (&'static str, i64)> {
    ALL.iter().flat_map(|(_, functions)| functions.names.into_iter().zip(functions.oids))
}

/// The oid of a function by its name.
pub(super) fn oid_of(name: &str) -> Option<i64> {
    let name = name.trim_start_matches("pg_catalog.").to_lowercase();
    all().find(|(own, _)| *own == name).map(|(_, oid)| oid)
}

/// The function of an oid.
pub(super) fn name_of(oid: i64) -> Option<String> {
    all().find(|(_, own)| *own == oid).map(|(name, _)| name.to_owned())
}

pub(super) static PROC: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_proc",
    columns: &[
        ("oid", BigInt),
        ("proname", Text),
        ("pronamespace", BigInt),
        ("proowner", BigInt),
        ("prokind", Text),
        ("proisstrict", Boolean),
        ("proretset", Boolean),
        ("provolatile", Text),
        ("pronargs", SmallInt),
    ],
    rows: |_| {
        let row = |(name, oid): (&str, i64)| {
            let mut row =
                vec![Cell::Int(oid), name.into(), Cell::Int(CATALOG_SCHEMA), Cell::Int(OWNER_OID), "f".into()];
            row.extend([Cell::Bool(true), Cell::Bool(false), "i".into(), Cell::Null]);
            row
        };
        Ok(all().map(row).collect())
    },
};
