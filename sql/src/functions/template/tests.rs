//! What PostgreSQL 15.20 gives for the same template and moment.

use super::Template;

/// Microseconds since 1970 of the moments: 2026-01-02 03:04:05.678901, 1999-12-31 23:59:59.999999, 2024-02-29 12:00:00, 0044-03-15 00:00:00.5 BC, 2021-01-03 13:11:11.
const MOMENTS: [i64; 5] = [1767323045678901, 946684799999999, 1709208000000000, -63517823999500000, 1609679471000000];

const EXPECTED: &[(&str, [&str; 5])] = &[
    (
        "YYYY-MM-DD HH24:MI:SS",
        [
            "2026-01-02 03:04:05",
            "1999-12-31 23:59:59",
            "2024-02-29 12:00:00",
            "0044-03-15 00:00:00",
            "2021-01-03 13:11:11",
        ],
    ),
    ("HH:MI:SS.MS AM", ["03:04:05.678 AM", "11:59:59.999 PM", "12:00:00.000 PM", "12:00:00.500 AM", "01:11:11.000 PM"]),
    (
        "HH12 hh12 a.m. P.M. pm",
        ["03 03 a.m. A.M. am", "11 11 p.m. P.M. pm", "12 12 p.m. P.M. pm", "12 12 a.m. A.M. am", "01 01 p.m. P.M. pm"],
    ),
    ("FMHH12:FMMI:FMSS", ["3:4:5", "11:59:59", "12:0:0", "12:0:0", "1:11:11"]),
    ("SSSS SSSSS", ["11045 11045", "86399 86399", "43200 43200", "0 0", "47471 47471"]),
    (
        "MS US FF1 FF3 FF6 ff2",
        [
            "678 678901 6 678 678901 67",
            "999 999999 9 999 999999 99",
            "000 000000 0 000 000000 00",
            "500 500000 5 500 500000 50",
            "000 000000 0 000 000000 00",
        ],
    ),
    (
        "Y,YYY YYYY YYY YY Y",
        [
            "2,026 2026 026 26 6",
            "1,999 1999 999 99 9",
            "2,024 2024 024 24 4",
            "0,044 0044 044 44 4",
            "2,021 2021 021 21 1",
        ],
    ),
    ("FMYYYY FMYY FMY", ["2026 26 6", "1999 99 9", "2024 24 4", "44 44 4", "2021 21 1"]),
    ("yyyy yy", ["2026 26", "1999 99", "2024 24", "0044 44", "2021 21"]),
    (
        "MONTH|Month|month|",
        [
            "JANUARY  |January  |january  |",
            "DECEMBER |December |december |",
            "FEBRUARY |February |february |",
            "MARCH    |March    |march    |",
            "JANUARY  |January  |january  |",
        ],
    ),
    (
        "FMMonth FMmonth FMMONTH",
        [
            "January january JANUARY",
            "December december DECEMBER",
            "February february FEBRUARY",
            "March march MARCH",
            "January january JANUARY",
        ],
    ),
    ("MON Mon mon", ["JAN Jan jan", "DEC Dec dec", "FEB Feb feb", "MAR Mar mar", "JAN Jan jan"]),
    ("MM FMMM", ["01 1", "12 12", "02 2", "03 3", "01 1"]),
    (
        "DAY|Day|day|",
        [
            "FRIDAY   |Friday   |friday   |",
            "FRIDAY   |Friday   |friday   |",
            "THURSDAY |Thursday |thursday |",
            "FRIDAY   |Friday   |friday   |",
            "SUNDAY   |Sunday   |sunday   |",
        ],
    ),
    ("FMDay, DDth", ["Friday, 02nd", "Friday, 31st", "Thursday, 29th", "Friday, 15th", "Sunday, 03rd"]),
    ("DY Dy dy", ["FRI Fri fri", "FRI Fri fri", "THU Thu thu", "FRI Fri fri", "SUN Sun sun"]),
    ("DDD FMDDD", ["002 2", "365 365", "060 60", "074 74", "003 3"]),
    ("DD FMDD", ["02 2", "31 31", "29 29", "15 15", "03 3"]),
    ("D ID", ["6 5", "6 5", "5 4", "6 5", "1 7"]),
    ("IYYY-IW-ID", ["2026-01-5", "1999-52-5", "2024-09-4", "0044-11-5", "2020-53-7"]),
    ("IYY IY I IDDD", ["026 26 6 005", "999 99 9 362", "024 24 4 060", "044 44 4 075", "020 20 0 371"]),
    ("WW W Q", ["01 1 1", "53 5 4", "09 5 1", "11 3 1", "01 1 1"]),
    ("CC FMCC", ["21 21", "20 20", "21 21", "-01 -1", "21 21"]),
    ("J", ["2461043", "2451544", "2460370", "1705428", "2459218"]),
    ("RM|rm|FMRM|", ["I   |i   |I|", "XII |xii |XII|", "II  |ii  |II|", "III |iii |III|", "I   |i   |I|"]),
    (
        "TZ tz OF TZH TZM TZH:TZM FMOF",
        [
            "UTC utc +00 +00 00 +00:00 +0",
            "UTC utc +00 +00 00 +00:00 +0",
            "UTC utc +00 +00 00 +00:00 +0",
            "UTC utc +00 +00 00 +00:00 +0",
            "UTC utc +00 +00 00 +00:00 +0",
        ],
    ),
    (
        "AD BC A.D. b.c. ad",
        ["AD AD A.D. a.d. ad", "AD AD A.D. a.d. ad", "AD AD A.D. a.d. ad", "BC BC B.C. b.c. bc", "AD AD A.D. a.d. ad"],
    ),
    ("DDTH ddth Dth", ["02ND 02nd 6th", "31ST 31st 6th", "29TH 29th 5th", "15TH 15th 6th", "03RD 03rd 1st"]),
    ("CCth YYYYth", ["21st 2026th", "20th 1999th", "21st 2024th", "-01st 0044th", "21st 2021st"]),
    (
        "\"Week\" IW \"of\" IYYY",
        ["Week 01 of 2026", "Week 52 of 1999", "Week 09 of 2024", "Week 11 of 0044", "Week 53 of 2020"],
    ),
    ("\\\"YYYY\\\"", ["\"2026\"", "\"1999\"", "\"2024\"", "\"0044\"", "\"2021\""]),
    ("\"a\\\"b\" YYYY", ["a\"b 2026", "a\"b 1999", "a\"b 2024", "a\"b 0044", "a\"b 2021"]),
    ("yyyy\"year", ["2026year", "1999year", "2024year", "0044year", "2021year"]),
    ("Hh24 Dd", ["Hh24 66", "Hh24 66", "Hh24 55", "Hh24 66", "Hh24 11"]),
    (
        "TMMonth|TMDay|",
        ["January|Friday|", "December|Friday|", "February|Thursday|", "March|Friday|", "January|Sunday|"],
    ),
    ("FXYYYY", ["2026", "1999", "2024", "0044", "2021"]),
    ("DDSP", ["02", "31", "29", "15", "03"]),
    ("HH24h MIm", ["03h 04m", "23h 59m", "12h 00m", "00h 00m", "13h 11m"]),
    ("quarter Q", ["1uarter 1", "4uarter 4", "1uarter 1", "1uarter 1", "1uarter 1"]),
    ("é YYYY ü", ["é 2026 ü", "é 1999 ü", "é 2024 ü", "é 0044 ü", "é 2021 ü"]),
    ("FM", ["", "", "", "", ""]),
    (
        "YYYYMMDDHH24MISSUS",
        [
            "20260102030405678901",
            "19991231235959999999",
            "20240229120000000000",
            "00440315000000500000",
            "20210103131111000000",
        ],
    ),
    (
        "Month DD, YYYY",
        ["January   02, 2026", "December  31, 1999", "February  29, 2024", "March     15, 0044", "January   03, 2021"],
    ),
    ("fmMonth fmDD", ["January 2", "December 31", "February 29", "March 15", "January 3"]),
    ("MMTH MMth", ["01ST 01st", "12TH 12th", "02ND 02nd", "03RD 03rd", "01ST 01st"]),
    ("DDDth FMDDDTH", ["002nd 2ND", "365th 365TH", "060th 60TH", "074th 74TH", "003rd 3RD"]),
];

#[test]
fn moments_are_written_as_postgres_writes_them() {
    for (pattern, expected) in EXPECTED {
        let template = Template::parse(pattern);
        for (micros, expected) in MOMENTS.iter().zip(expected) {
            let mut out = String::new();
            template.write(&mut out, *micros, true);
            assert_eq!(out, *expected, "to_char({micros}, {pattern:?})");
        }
    }
}

#[test]
fn a_timestamp_without_zone_has_no_name_of_one() {
    let mut out = String::new();
    Template::parse("HH24 TZ tz OF TZH:TZM").write(&mut out, MOMENTS[0], false);
    assert_eq!(out, "03   +00 +00:00");
}
