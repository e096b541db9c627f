//! Functions of arrays.

use super::super::slot::Slot::{AnyArray, AnyCompatible, AnyCompatibleArray, Int4, Int4Array, Text};
use super::forms;
use super::table::{Function, f};

pub(super) static FUNCTIONS: &[Function] = &[
    f("array_append", &[AnyCompatibleArray, AnyCompatible], AnyCompatibleArray),
    f("array_prepend", &[AnyCompatible, AnyCompatibleArray], AnyCompatibleArray),
    f("array_cat", &[AnyCompatibleArray, AnyCompatibleArray], AnyCompatibleArray).by("array_concat"),
    f("array_length", &[AnyArray, Int4], Int4),
    f("array_upper", &[AnyArray, Int4], Int4),
    f("array_lower", &[AnyArray, Int4], Int4),
    f("cardinality", &[AnyArray], Int4),
    f("array_ndims", &[AnyArray], Int4),
    f("array_position", &[AnyCompatibleArray, AnyCompatible], Int4),
    f("array_position", &[AnyCompatibleArray, AnyCompatible, Int4], Int4),
    f("array_positions", &[AnyCompatibleArray, AnyCompatible], Int4Array),
    f("array_remove", &[AnyCompatibleArray, AnyCompatible], AnyCompatibleArray).by("array_remove_all"),
    f("array_replace", &[AnyCompatibleArray, AnyCompatible, AnyCompatible], AnyCompatibleArray).by("array_replace_all"),
    f("array_to_string", &[AnyArray, Text], Text).form(forms::array_to_string),
    f("array_to_string", &[AnyArray, Text, Text], Text).form(forms::array_to_string),
];
