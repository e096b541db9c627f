//! All queries at a small scale, so that the benchmark never rots.

use super::{Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_view_is_its_query() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        events: 2_000,
        batch: 300,
        queries: Vec::new(),
        peers: Vec::new(),
        rounds: 1,
        core: "all".to_owned(),
        check: true,
        dir: Some(dir.path().to_owned()),
        set: Vec::new(),
    };
    let report = run(&options).await.unwrap();
    let json = serde_json::to_value(&report).unwrap();
    for query in json["queries"].as_array().unwrap() {
        let rows = query["engines"]["attune"]["rows"].as_u64();
        assert!(query["not_yet"].is_string() || rows.is_some_and(|rows| rows > 0), "{query}");
    }
    assert!(report.table().contains("q22"), "{}", report.table());
}
