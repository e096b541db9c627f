//! What a report looks like, and that its charts are drawn.

use super::*;

fn sample() -> Report {
    let mut report = Report::new("read", "lookups");
    report.set("rows", 1000);
    let mut table = Table::new("idle", "Idle server, 8 connections", "query");
    for (case, own, theirs) in [("point", 10.0, 20.0), ("ranking", 1_234.5, 80.0)] {
        table.rows.push(Row::new(case, ATTUNE).with("rate", "/s", 123_456.0).with("cpu", "µs", own).at(own));
        table.rows.push(Row::new(case, "postgres").with("rate", "/s", 60_000.0).with("cpu", "µs", theirs).at(theirs));
    }
    table.compare("cpu");
    for (name, form) in [("bars", Form::Bars), ("lines", Form::Lines { x: "connections".to_owned() })] {
        table.charts.push(Chart {
            name: name.to_owned(),
            title: "Server CPU per read".to_owned(),
            about: "8 connections, prepared; shorter is better".to_owned(),
            measure: "cpu",
            form,
        });
    }
    report.tables.push(table);
    report.skip("redis", "apt-get install redis-server");
    report
}

#[test]
fn the_table_is_aligned_and_has_ratios() {
    let text = sample().text();
    let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("  query")).take(5).collect();
    assert_eq!(
        table,
        [
            "  query    subject   rate /s  cpu µs  cpu / postgres",
            "  point    attune    123,456    10.0           0.500",
            "           postgres   60,000    20.0",
            "  ranking  attune    123,456   1,234            15.4",
            "           postgres   60,000    80.0",
        ]
    );
    assert!(text.contains("redis is left out, since it is not installed: apt-get install redis-server"));
}

#[test]
fn json_has_what_the_table_has() {
    let json: serde_json::Value = serde_json::from_str(&sample().json()).unwrap();
    let row = &json["tables"][0]["rows"][0];
    assert_eq!(row["measures"][1]["name"], "cpu");
    assert_eq!(row["ratios"][0]["value"], 0.5);
    assert_eq!(json["settings"][0][1], "1000");
}

#[test]
fn charts_are_drawn_as_svg_and_png() {
    let dir = tempfile::tempdir().unwrap();
    let report = sample();
    Output { json: Some(dir.path().join("report.json")), chart: Some(dir.path().to_owned()) }.write(&report).unwrap();
    for name in ["read-bars", "read-lines"] {
        let svg = std::fs::read_to_string(dir.path().join(format!("{name}.svg"))).unwrap();
        assert!(svg.contains("Server CPU per read") && svg.contains("postgres"), "{svg}");
        let png = std::fs::read(dir.path().join(format!("{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 5_000, "{}", png.len());
    }
    assert!(std::fs::read_to_string(dir.path().join("report.json")).unwrap().contains("\"benchmark\": \"read\""));
}

#[test]
fn numbers_have_three_digits_that_count() {
    assert_eq!(
        [0.0, 0.4567, 1.0, 21.84, 99.97, 1_234_567.8, -1_234.0, f64::NAN].map(plain),
        ["0", "0.457", "1.00", "21.8", "100", "1,234,568", "-1,234", "–"]
    );
    assert_eq!([950.0, 35_712.0, 1_418_000.0, 2.5e9].map(compact), ["950", "35.7 k", "1.42 M", "2.50 G"]);
    assert_eq!(
        [("µs", 21.8), ("µs", 432_500.0), ("/s", 48_648.0), ("x", 2.0)].map(|(unit, value)| labelled(value, unit)),
        ["21.8 µs", "432 ms", "48.6 k/s", "2.00 x"]
    );
    assert_eq!(
        [("µs", 20_000.0), ("µs", 10.0), ("", 1.0), ("/s", 2e6)].map(|(unit, value)| tick(value, unit)),
        ["20 ms", "10 µs", "1", "2 M/s"]
    );
}
