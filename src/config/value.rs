//! Settings as text: numbers with units, switches, paths, addresses.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What a number counts, told by the end of the setting's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// `_bytes`
    Bytes,
    /// `_ms`
    Milliseconds,
    /// Any other.
    Count,
}

impl Unit {
    pub(super) fn of(name: &str) -> Unit {
        if name.ends_with("_bytes") {
            Unit::Bytes
        } else if name.ends_with("_ms") {
            Unit::Milliseconds
        } else {
            Unit::Count
        }
    }

    /// Suffixes and what they multiply by, largest first.
    fn suffixes(self) -> &'static [(&'static str, u64)] {
        match self {
            Unit::Bytes => &[("tb", 1 << 40), ("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10), ("b", 1)],
            Unit::Milliseconds => &[("ms", 1), ("min", 60_000), ("s", 1_000), ("h", 3_600_000)],
            Unit::Count => &[],
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Unit::Bytes => "expected a size such as 64MB or 1GB, or a number of bytes",
            Unit::Milliseconds => "expected a time such as 500ms, 10s or 5min, or a number of milliseconds",
            Unit::Count => "expected a whole number",
        }
    }
}

/// A type of setting.
pub(super) trait Value: Sized {
    /// Reads it; the error says what was expected.
    fn parse(unit: Unit, text: &str) -> Result<Self, String>;
    /// Writes it so that `parse` reads it back.
    fn show(&self, unit: Unit) -> String;
}

impl Value for u64 {
    fn parse(unit: Unit, text: &str) -> Result<u64, String> {
        let lower = text.trim().to_ascii_lowercase();
        let (digits, factor) = unit
            .suffixes()
            .iter()
            .find_map(|(suffix, factor)| Some((lower.strip_suffix(suffix)?.trim_end(), *factor)))
            .unwrap_or((&lower, 1));
        // TOML's way to write 65_536.
        let number: u64 = digits.replace('_', "").parse().map_err(|_| unit.expected().to_owned())?;
        number.checked_mul(factor).ok_or_else(|| "the number is too large".to_owned())
    }

    fn show(&self, unit: Unit) -> String {
        if unit == Unit::Bytes
            && *self > 0
            && let Some((suffix, factor)) = unit.suffixes().iter().find(|(_, factor)| self.is_multiple_of(*factor))
        {
            return format!("{}{}", self / factor, suffix.to_ascii_uppercase());
        }
        self.to_string()
    }
}

impl Value for usize {
    fn parse(unit: Unit, text: &str) -> Result<usize, String> {
        usize::try_from(u64::parse(unit, text)?).map_err(|_| "the number is too large".to_owned())
    }

    fn show(&self, unit: Unit) -> String {
        (*self as u64).show(unit)
    }
}

impl Value for u32 {
    fn parse(unit: Unit, text: &str) -> Result<u32, String> {
        u32::try_from(u64::parse(unit, text)?).map_err(|_| "the number is too large".to_owned())
    }

    fn show(&self, unit: Unit) -> String {
        u64::from(*self).show(unit)
    }
}

impl Value for bool {
    fn parse(_unit: Unit, text: &str) -> Result<bool, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }

    fn show(&self, _unit: Unit) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn parse(_unit: Unit, text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn show(&self, _unit: Unit) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn parse(_unit: Unit, text: &str) -> Result<PathBuf, String> {
        if text.is_empty() {
            return Err("expected a path".to_owned());
        }
        Ok(PathBuf::from(text))
    }

    fn show(&self, _unit: Unit) -> String {
        self.display().to_string()
    }
}

impl Value for SocketAddr {
    fn parse(_unit: Unit, text: &str) -> Result<SocketAddr, String> {
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        numeric.parse().map_err(|_| {
            "expected an IP address and a port, such as 127.0.0.1:7432, or 0.0.0.0:7432 for all interfaces".to_owned()
        })
    }

    fn show(&self, _unit: Unit) -> String {
        self.to_string()
    }
}
