//! Charts: one measure of a table, as bars or as lines, drawn once for SVG and once for PNG.

mod axis;
mod bars;
mod canvas;
mod lines;

use super::{Machine, Table};
use crate::bench::BenchError;
use canvas::Canvas;
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Pixels of the PNG per unit of the SVG, so that text is sharp on a dense screen.
const PNG_SCALE: f64 = 2.0;

/// One chart of a table.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Part of the file's name after the benchmark's.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Under which conditions, and which direction is good.
    pub about: String,
    /// Which measure of the table.
    pub measure: &'static str,
    /// How.
    pub form: Form,
}

/// How a chart is drawn.
#[derive(Clone, Debug)]
pub enum Form {
    /// A group of bars per case, a bar per subject.
    Bars,
    /// A line per subject, over the places of the rows ([`super::Row::at`]).
    Lines {
        /// What the x axis is.
        x: String,
    },
}

impl Chart {
    /// Writes `path`.svg and `path`.png.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn draw(&self, table: &Table, machine: &Machine, path: &Path) -> Result<(), BenchError> {
        canvas::register_fonts()?;
        let (width, height) = self.size(table);
        let file = |extension: &str| path.with_file_name(format!("{}.{extension}", name(path)));
        self.draw_on(SVGBackend::new(&file("svg"), (width, height)), 1.0, table, machine)?;
        let size = [width, height].map(|length| (f64::from(length) * PNG_SCALE) as u32);
        // Three bytes a pixel.
        let mut pixels = vec![0; size[0] as usize * size[1] as usize * 3];
        let backend = BitMapBackend::with_buffer(&mut pixels, (size[0], size[1]));
        self.draw_on(backend, PNG_SCALE, table, machine)?;
        write_png(&file("png"), size, &pixels).map_err(|error| BenchError::Chart(error.to_string()))
    }

    fn size(&self, table: &Table) -> (u32, u32) {
        match self.form {
            Form::Bars => bars::size(self, table),
            Form::Lines { .. } => lines::SIZE,
        }
    }

    fn draw_on<B: DrawingBackend>(
        &self,
        backend: B,
        scale: f64,
        table: &Table,
        machine: &Machine,
    ) -> Result<(), BenchError> {
        let (width, height) = self.size(table);
        let canvas = Canvas::new(backend.into_drawing_area(), scale, (f64::from(width), f64::from(height)))?;
        canvas.frame(&self.title, &self.about, &machine.line())?;
        match &self.form {
            Form::Bars => bars::draw(&canvas, self, table)?,
            Form::Lines { x } => lines::draw(&canvas, self, table, x)?,
        }
        canvas.finish()
    }
}

/// Packed as well as it goes: the pictures are kept in a repository.
fn write_png(path: &Path, [width, height]: [u32; 2], pixels: &[u8]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Best);
    encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
    encoder.write_header()?.write_image_data(pixels)
}

/// The file's name; `with_extension` would cut it at a dot within.
fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The subjects of a table in the order they first appear.
fn subjects(table: &Table, measure: &str) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::new();
    for row in table.rows.iter().filter(|row| row.value(measure).is_some()) {
        if !subjects.contains(&row.subject) {
            subjects.push(row.subject.clone());
        }
    }
    subjects
}

/// The unit of a measure.
fn unit<'a>(table: &'a Table, measure: &str) -> &'a str {
    let mut measures = table.rows.iter().flat_map(|row| &row.measures);
    measures.find(|found| found.name == measure).map_or("", |found| found.unit)
}

/// All values of a measure.
fn values(table: &Table, measure: &str) -> Vec<f64> {
    table.rows.iter().filter_map(|row| row.value(measure)).collect()
}
