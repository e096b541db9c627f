//! The events as CSV files, which Flink reads.

use crate::bench::BenchError;
use crate::bench::nexmark::events::EpochEvents;
use crate::bench::nexmark::failed;
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes `person.csv`, `auction.csv` and `bid.csv`. No value of the generator has a comma or a quote.
pub(super) fn write(directory: &Path, epochs: &[EpochEvents]) -> Result<(), BenchError> {
    let mut files: BTreeMap<&str, BufWriter<File>> = BTreeMap::new();
    for stream in ["person", "auction", "bid"] {
        files.insert(stream, BufWriter::new(File::create(directory.join(format!("{stream}.csv")))?));
    }
    for (stream, rows) in epochs.iter().flat_map(|epoch| &epoch.streams) {
        if let Some(file) = files.get_mut(stream) {
            lines(rows, file)?;
        }
    }
    files.into_values().try_for_each(|mut file| file.flush())?;
    Ok(())
}

fn lines(rows: &RecordBatch, file: &mut impl Write) -> Result<(), BenchError> {
    let args = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.3f"));
    let columns: Vec<ArrayFormatter<'_>> = rows
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &args))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    for row in 0..rows.num_rows() {
        for (place, column) in columns.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(file, "{comma}{}", column.value(row))?;
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}
