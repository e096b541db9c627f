//! A sheet to draw on in units of the SVG; the PNG is the same sheet, larger.

use crate::bench::BenchError;
use crate::bench::report::ATTUNE;
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::{DrawingArea, DrawingBackend, FontStyle, IntoFont, RGBColor};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, register_font};

/// Registered under the name that an SVG's reader knows as well.
const FONT: &str = "sans-serif";
/// Empty space at the borders.
pub(super) const MARGIN: f64 = 28.0;
/// Where the drawing begins, below title and text.
pub(super) const TOP: f64 = 104.0;
/// What is kept free for the axis and the line about the machine.
pub(super) const BOTTOM: f64 = 84.0;

pub(super) const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);
pub(super) const SOFT: RGBColor = RGBColor(0x6b, 0x72, 0x80);
pub(super) const GRID: RGBColor = RGBColor(0xe5, 0xe7, 0xeb);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// The colour of a subject: its own where it has one, else one of the others in turn.
pub(super) fn colour(subject: &str, at: usize) -> RGBColor {
    const OTHERS: [RGBColor; 5] = [
        RGBColor(0x7c, 0x3a, 0xed),
        RGBColor(0x0d, 0x94, 0x88),
        RGBColor(0xd9, 0x77, 0x06),
        RGBColor(0xbe, 0x18, 0x5d),
        RGBColor(0x4b, 0x55, 0x63),
    ];
    let first = subject.split([' ', ',']).next().unwrap_or_default();
    let colour = match first {
        ATTUNE => RGBColor(0x25, 0x63, 0xeb),
        "postgres" => RGBColor(0x94, 0xa3, 0xb8),
        "redis" => RGBColor(0xe1, 0x6a, 0x54),
        "dbsp" => RGBColor(0x2a, 0x9d, 0x8f),
        "flink" => RGBColor(0xe9, 0xa2, 0x3b),
        _ => return OTHERS[at % OTHERS.len()],
    };
    // `redis HMGET` is Redis, but not the same as `redis`.
    if first == subject { colour } else { paler(colour) }
}

/// Half way to the paper.
fn paler(colour: RGBColor) -> RGBColor {
    let half = |part: u8| part / 2 + 128;
    RGBColor(half(colour.0), half(colour.1), half(colour.2))
}

/// Makes the fonts known that a chart is measured and drawn with.
pub(super) fn register_fonts() -> Result<(), BenchError> {
    for (style, font) in [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())] {
        register_font(FONT, style, font).map_err(|_| BenchError::Chart("the font cannot be read".to_owned()))?;
    }
    Ok(())
}

/// How a text stands at its point.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Left,
    Middle,
    Right,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Type {
    size: f64,
    bold: bool,
    colour: RGBColor,
}

pub(super) const TITLE: Type = Type { size: 25.0, bold: true, colour: INK };
pub(super) const ABOUT: Type = Type { size: 16.0, bold: false, colour: SOFT };
pub(super) const LABEL: Type = Type { size: 16.0, bold: false, colour: INK };
pub(super) const TICK: Type = Type { size: 14.0, bold: false, colour: SOFT };
const FOOT: Type = Type { size: 12.0, bold: false, colour: SOFT };

impl Type {
    /// The same in another colour, bold.
    pub(super) fn strong(self, colour: RGBColor) -> Type {
        Type { bold: true, colour, ..self }
    }

    /// The width of a text, in units.
    pub(super) fn width(self, text: &str) -> Result<f64, BenchError> {
        let style = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FONT, self.size, style).into_font();
        let ((left, _), (right, _)) = font.layout_box(text).map_err(|error| BenchError::Chart(error.to_string()))?;
        Ok(f64::from(right - left))
    }
}

/// The sheet.
pub(super) struct Canvas<B: DrawingBackend> {
    area: DrawingArea<B, Shift>,
    scale: f64,
    /// By how much of its size a text is to be lowered to stand in the middle: plotters draws letters into pixels higher
    /// than an SVG's reader does.
    lowered: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl<B: DrawingBackend> Canvas<B> {
    /// An empty sheet.
    pub(super) fn new(area: DrawingArea<B, Shift>, scale: f64, size: (f64, f64)) -> Result<Canvas<B>, BenchError> {
        area.fill(&PAPER).map_err(|error| BenchError::Chart(error.to_string()))?;
        let lowered = if scale > 1.0 { 0.13 } else { 0.0 };
        Ok(Canvas { area, scale, lowered, width: size.0, height: size.1 })
    }

    /// Title, what it is about, and where it was measured.
    pub(super) fn frame(&self, title: &str, about: &str, machine: &str) -> Result<(), BenchError> {
        self.text((MARGIN, 32.0), title, TITLE, Side::Left)?;
        self.text((MARGIN, 58.0), about, ABOUT, Side::Left)?;
        self.text((MARGIN, self.height - 18.0), machine, FOOT, Side::Left)
    }

    /// Who is drawn in which colour, in a row.
    pub(super) fn legend(&self, subjects: &[String]) -> Result<(), BenchError> {
        let mut x = MARGIN;
        for (at, subject) in subjects.iter().enumerate() {
            self.bar((x, 78.0), (x + 12.0, 90.0), colour(subject, at))?;
            self.text((x + 18.0, 84.0), subject, LABEL, Side::Left)?;
            x += 18.0 + LABEL.width(subject)? + 22.0;
        }
        Ok(())
    }

    /// A text, its middle at the height of `at`.
    pub(super) fn text(&self, at: (f64, f64), text: &str, look: Type, side: Side) -> Result<(), BenchError> {
        let style = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        let horizontal = match side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let font = (FONT, look.size * self.scale, style).into_font();
        let style = font.color(&look.colour).pos(Pos::new(horizontal, VPos::Center));
        let at = (at.0, at.1 + self.lowered * look.size);
        self.draw(&Text::new(text.to_owned(), self.point(at), style))
    }

    /// A filled rectangle.
    pub(super) fn bar(&self, from: (f64, f64), to: (f64, f64), colour: RGBColor) -> Result<(), BenchError> {
        self.draw(&Rectangle::new([self.point(from), self.point(to)], colour.filled()))
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[(f64, f64)], width: f64, colour: RGBColor) -> Result<(), BenchError> {
        let points: Vec<(i32, i32)> = points.iter().map(|point| self.point(*point)).collect();
        self.draw(&PathElement::new(points, colour.stroke_width((width * self.scale) as u32)))
    }

    /// A dot.
    pub(super) fn dot(&self, at: (f64, f64), colour: RGBColor) -> Result<(), BenchError> {
        self.draw(&Circle::new(self.point(at), (4.0 * self.scale) as i32, colour.filled()))
    }

    /// Writes it all.
    pub(super) fn finish(&self) -> Result<(), BenchError> {
        self.area.present().map_err(|error| BenchError::Chart(error.to_string()))
    }

    fn point(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn draw<'a, E>(&self, element: &'a E) -> Result<(), BenchError>
    where
        &'a E: plotters::element::PointCollection<'a, (i32, i32)>,
        E: plotters::element::Drawable<B>,
    {
        self.area.draw(element).map_err(|error| BenchError::Chart(error.to_string()))
    }
}
