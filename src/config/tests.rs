use super::*;
use std::path::Path;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads a file with this text; messages are given without the file's directory.
fn from_file(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attune.toml");
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", directory.path().display());
    load(Config::default(), Some(&path), [], &[]).map_err(|error| error.0.replace(&prefix, ""))
}

#[test]
fn flags_win_over_variables_over_file_over_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attune.toml");
    std::fs::write(&path, "epoch_max_rows = 1\nmax_connections = 1\nrow_cache_bytes = \"1MB\"\n").unwrap();
    let variables = variables(&[("ATTUNE_MAX_CONNECTIONS", "2"), ("ATTUNE_ROW_CACHE_BYTES", "2MB"), ("PATH", "/bin")]);
    let flags = [("row_cache_bytes".to_owned(), "3MB".to_owned())];
    let config = load(Config::default(), Some(&path), variables, &flags).unwrap();
    assert_eq!((config.epoch_max_rows, config.max_connections, config.row_cache_bytes), (1, 2, 3 << 20));
    assert_eq!(config.dml_retries, Config::default().dml_retries);
}

#[test]
fn units_are_understood() {
    let config = from_file(
        "memtable_bytes = \"1 gb\"\nepoch_max_bytes = 65_536\ninput_wait_ms = \"10s\"\nstatement_timeout_ms = \"5min\"\n\
         startup_timeout_ms = \"250ms\"\nlisten = \"localhost:1\"\nsynchronous_commit = false",
    )
    .unwrap();
    assert_eq!((config.memtable_bytes, config.epoch_max_bytes), (1 << 30, 65_536));
    assert_eq!((config.input_wait_ms, config.statement_timeout_ms, config.startup_timeout_ms), (10_000, 300_000, 250));
    assert_eq!(config.listen, "127.0.0.1:1".parse().unwrap());
    assert!(!config.synchronous_commit);
}

#[test]
fn every_setting_is_read_back_as_it_is_shown() {
    let config = Config::default();
    for setting in SETTINGS {
        let mut again = config.clone();
        setting.set(&mut again, &setting.show(&config)).unwrap();
        assert_eq!(again, config, "{}", setting.name);
    }
}

#[test]
fn mistakes_in_the_file_are_named_with_their_line() {
    for (text, message) in [
        ("\nlisen = \"127.0.0.1:1\"", "attune.toml:2: there is no setting \"lisen\"; did you mean \"listen\"?"),
        ("wings = 2", "attune.toml:1: there is no setting \"wings\"; README.md lists them"),
        ("# rows\nepoch_max_rows = \"many\"", "attune.toml:2: epoch_max_rows = many: expected a whole number"),
        ("epoch_max_rows = 1.5", "attune.toml:1: epoch_max_rows: expected a whole number, found 1.5"),
        ("epoch_max_rows = -1", "attune.toml:1: epoch_max_rows = -1: expected a whole number"),
        ("dml_retries = [1]", "attune.toml:1: dml_retries: expected one value, found a list"),
        ("[cache]\nx = 1", "attune.toml:1: [cache]: settings are not grouped in sections"),
        (
            "memtable_bytes = \"64 pounds\"",
            "attune.toml:1: memtable_bytes = 64 pounds: expected a size such as 64MB or 1GB, or a number of bytes",
        ),
        ("memtable_bytes = \"99999999TB\"", "attune.toml:1: memtable_bytes = 99999999TB: the number is too large"),
        ("log_format = \"xml\"", "log_format = xml: expected text or json"),
        ("epoch_max_rows = 0", "epoch_max_rows = 0: must be at least 1"),
    ] {
        assert_eq!(from_file(text).unwrap_err(), message, "{text}");
    }
    assert!(from_file("data =").unwrap_err().starts_with("attune.toml:1: "));
}

#[test]
fn mistakes_in_variables_and_flags_are_named() {
    let from = |pairs: &[(&str, &str)]| load(Config::default(), None, variables(pairs), &[]).map_err(|error| error.0);
    assert!(from(&[("ATTUNE_LISTEN", "here")]).unwrap_err().starts_with("ATTUNE_LISTEN=here: expected an IP address"));
    let error = from(&[("ATTUNE_LISEN", "127.0.0.1:1")]).unwrap_err();
    assert_eq!(error, "ATTUNE_LISEN: there is no such setting; did you mean ATTUNE_LISTEN?");
    assert!(from(&[("ATTUNE_FAILPOINT", "x"), ("ATTUNE_CONFIG", "x"), ("ATTUNE_UNRELATED_THING", "x")]).is_ok());
    let names = ["PATH", "ATTUNE_LISTEN", "ATTUNE_FAILPOINT", "ATTUNE_UNRELATED_THING"].map(str::to_owned);
    let told = unknown_variables(names);
    assert!(told.len() == 1 && told[0].contains("ATTUNE_UNRELATED_THING has no effect"), "{told:?}");
    let error = load(Config::default(), None, [], &[("lissten".into(), "x".into())]).unwrap_err();
    assert_eq!(error.0, "--set lissten=x: there is no setting \"lissten\"; did you mean \"listen\"?");
}

#[test]
fn a_missing_file_is_an_error() {
    let error = load(Config::default(), Some(Path::new("/nonexistent/attune.toml")), [], &[]).unwrap_err();
    assert!(error.0.starts_with("cannot read the configuration file /nonexistent/attune.toml: "), "{error}");
}
