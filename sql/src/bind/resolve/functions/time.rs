//! Functions of dates, timestamps and intervals.

use super::super::slot::Slot::{Date, Float4, Float8, Int4, Int8, Interval, Numeric, Text, Timestamp, TimestampTz};
use super::forms;
use super::table::{Function, f};

pub(super) static FUNCTIONS: &[Function] = &[
    f("now", &[], TimestampTz),
    f("transaction_timestamp", &[], TimestampTz).by("now"),
    f("statement_timestamp", &[], TimestampTz).by("now"),
    f("clock_timestamp", &[], TimestampTz).by("now"),
    f("current_timestamp", &[], TimestampTz).by("now"),
    f("localtimestamp", &[], Timestamp).form(forms::local_timestamp),
    f("current_date", &[], Date),
    f("date_trunc", &[Text, Timestamp], Timestamp),
    f("date_trunc", &[Text, TimestampTz], TimestampTz),
    f("date_trunc", &[Text, Interval], Interval),
    // The function `date_part` of stored plans gives integers.
    f("date_part", &[Text, Date], Float8).by("date_part_double"),
    f("date_part", &[Text, Timestamp], Float8).by("date_part_double"),
    f("date_part", &[Text, TimestampTz], Float8).by("date_part_double"),
    f("date_part", &[Text, Interval], Float8).by("date_part_double"),
    f("extract", &[Text, Date], Numeric),
    f("extract", &[Text, Timestamp], Numeric),
    f("extract", &[Text, TimestampTz], Numeric),
    f("extract", &[Text, Interval], Numeric),
    f("date_bin", &[Interval, Timestamp, Timestamp], Timestamp),
    f("date_bin", &[Interval, TimestampTz, TimestampTz], TimestampTz),
    f("to_char", &[Timestamp, Text], Text),
    f("to_char", &[TimestampTz, Text], Text),
    f("to_char", &[Interval, Text], Text),
    f("to_char", &[Int4, Text], Text),
    f("to_char", &[Int8, Text], Text),
    f("to_char", &[Float4, Text], Text),
    f("to_char", &[Float8, Text], Text),
    f("to_char", &[Numeric, Text], Text),
    f("to_date", &[Text, Text], Date),
    f("to_timestamp", &[Float8], TimestampTz),
    f("to_timestamp", &[Text, Text], TimestampTz),
    f("make_date", &[Int4, Int4, Int4], Date),
    f("make_timestamp", &[Int4, Int4, Int4, Int4, Int4, Float8], Timestamp),
    f("justify_days", &[Interval], Interval),
    f("justify_hours", &[Interval], Interval),
    f("justify_interval", &[Interval], Interval),
    f("age", &[Timestamp, Timestamp], Interval),
    f("age", &[TimestampTz, TimestampTz], Interval),
    f("timezone", &[Text, Timestamp], TimestampTz),
    f("timezone", &[Text, TimestampTz], Timestamp),
];
