use super::Settings;

fn set(name: &str, value: &str) -> Result<String, String> {
    let mut settings = Settings::default();
    settings.set(name, value).map_err(|e| e.to_string())?;
    Ok(settings.get(name).unwrap_or_default())
}

#[test]
fn durations_have_units_and_are_shown_as_postgres_shows_them() {
    assert_eq!(set("statement_timeout", "5000"), Ok("5s".to_owned()));
    assert_eq!(set("statement_timeout", "1500"), Ok("1500ms".to_owned()));
    assert_eq!(set("statement_timeout", "2min"), Ok("2min".to_owned()));
    assert_eq!(set("statement_timeout", "0"), Ok("0".to_owned()));
    assert!(set("statement_timeout", "5 parsecs").is_err());
    assert!(set("statement_timeout", "99999999999").is_err());
    let mut settings = Settings::default();
    assert_eq!(settings.statement_timeout_ms(), None);
    settings.set("statement_timeout", "2min").expect("a valid time");
    assert_eq!(settings.statement_timeout_ms(), Some(120_000));
}

#[test]
fn values_that_would_change_results_are_refused() {
    assert_eq!(set("timezone", "Etc/UTC"), Ok("UTC".to_owned()));
    assert!(set("TimeZone", "Europe/Berlin").expect_err("another zone").contains("0A000"));
    assert_eq!(set("client_encoding", "'utf-8'"), Ok("UTF8".to_owned()));
    assert!(set("client_encoding", "latin1").is_err());
    assert!(set("datestyle", "German").is_err());
    assert_eq!(set("datestyle", "ISO, DMY"), Ok("ISO, MDY".to_owned()));
}

#[test]
fn unknown_settings_are_told_with_the_nearest_name() {
    assert!(set("statement_timeot", "1").expect_err("a typo").contains("Did you mean \"statement_timeout\"?"));
    assert_eq!(set("my.setting", "x"), Ok("x".to_owned()));
    assert!(set("server_version", "9").is_err());
}
