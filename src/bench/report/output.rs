//! Where a report goes.

use super::Report;
use crate::bench::BenchError;
use std::io::Write;
use std::path::PathBuf;

/// What every benchmark takes.
#[derive(clap::Args, Debug, Default)]
pub struct Output {
    /// Write the figures as JSON to FILE; `-` is stdout, in place of the table
    #[arg(long, value_name = "FILE", global = true, help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Draw the charts into DIR, each as SVG and PNG
    #[arg(long, value_name = "DIR", global = true, help_heading = "Output")]
    pub chart: Option<PathBuf>,
}

impl Output {
    /// Prints, writes and draws the report.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, report: &Report) -> Result<(), BenchError> {
        let mut stdout = std::io::stdout().lock();
        match &self.json {
            Some(path) if path.as_os_str() == "-" => writeln!(stdout, "{}", report.json())?,
            Some(path) => {
                std::fs::write(path, report.json() + "\n")?;
                writeln!(stdout, "{}", report.text())?;
            }
            None => writeln!(stdout, "{}", report.text())?,
        }
        if let Some(dir) = &self.chart {
            std::fs::create_dir_all(dir)?;
            for (table, chart) in report.tables.iter().flat_map(|table| table.charts.iter().map(move |c| (table, c))) {
                let path = dir.join(format!("{}-{}", report.benchmark, chart.name));
                chart.draw(table, &report.machine, &path)?;
                progress(&format!("drawn: {}.svg and .png", path.display()));
            }
        }
        Ok(())
    }
}

/// Says on stderr what a long run is doing.
pub fn progress(line: &str) {
    // Nobody may be listening; the figures are what counts.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
