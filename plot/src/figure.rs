//! Charts as data: axes, series, figures; and writing a figure to a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use plotters::prelude::*;

use crate::draw;
use crate::error::{Error, Result};

/// Points (x, y).
pub type Points = Vec<(f64, f64)>;

/// How an axis maps numbers to positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Proportional to the number.
    Linear,
    /// Proportional to its decimal logarithm.
    Log10,
}

/// One axis of a [`Chart`].
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is shown, with its unit.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// Least and greatest number shown; from the data when `None`.
    pub range: Option<(f64, f64)>,
    /// Names in place of numbers: `names[i]` stands at i.
    pub names: Vec<String>,
    /// Whether tick marks and numbers are left out.
    pub hidden: bool,
}

impl Axis {
    /// A linear axis whose range follows the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            range: None,
            names: Vec::new(),
            hidden: false,
        }
    }

    /// A logarithmic axis whose range follows the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self {
            scale: Scale::Log10,
            ..Self::linear(label)
        }
    }

    /// An axis with a name at each of 0, 1, 2, ...
    pub fn named(label: impl Into<String>, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            ..Self::linear(label)
        }
    }

    /// An axis without ticks and numbers.
    pub fn hidden(label: impl Into<String>) -> Self {
        Self {
            hidden: true,
            ..Self::linear(label)
        }
    }

    /// The same axis with a fixed range.
    pub fn range(self, least: f64, greatest: f64) -> Self {
        Self {
            range: Some((least, greatest)),
            ..self
        }
    }
}

/// How the points of a [`Series`] are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Joined by a line.
    Line,
    /// Joined by a thin line.
    ThinLine,
    /// Joined by a dashed line.
    Dashed,
    /// Joined by horizontal and vertical strokes, each value holding until the next point.
    Steps,
    /// A dot at each point.
    Points,
    /// A bar from zero to each point.
    Bars,
    /// The inside of the closed curve, lightly tinted, with its outline.
    Area,
}

/// Points drawn alike, under one name in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend; no entry when `None`.
    pub label: Option<String>,
    /// The points (x, y). One that is not finite, or not positive on a logarithmic axis, leaves a gap.
    pub points: Points,
    /// How they are drawn.
    pub mark: Mark,
    /// Place in the palette (modulo its length); the place of the series in its chart when `None`.
    pub color: Option<usize>,
    /// Drawn in grey, as background.
    pub muted: bool,
}

impl Series {
    /// Points drawn with `mark`.
    pub fn new(mark: Mark, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self {
            label: None,
            points: points.into_iter().collect(),
            mark,
            color: None,
            muted: false,
        }
    }

    /// Points joined by a line.
    pub fn line(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Mark::Line, points)
    }

    /// A dot at each point.
    pub fn dots(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Mark::Points, points)
    }

    /// The same series with a name in the legend.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: Some(label.into()),
            ..self
        }
    }

    /// The same series in colour number `color` of the palette.
    pub fn color(self, color: usize) -> Self {
        Self {
            color: Some(color),
            ..self
        }
    }

    /// The same series in grey, as background.
    pub fn muted(self) -> Self {
        Self { muted: true, ..self }
    }
}

/// Two axes and the series drawn between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Line above the chart; none when empty.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, first to last.
    pub series: Vec<Series>,
    /// Whether one unit is as long on both axes.
    pub equal_aspect: bool,
}

impl Chart {
    /// A chart without series.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self {
            title: String::new(),
            x,
            y,
            series: Vec::new(),
            equal_aspect: false,
        }
    }

    /// The same chart with a title.
    pub fn title(self, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..self
        }
    }

    /// The same chart with one more series.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// The same chart with one unit as long on both axes.
    pub fn equal_aspect(self) -> Self {
        Self {
            equal_aspect: true,
            ..self
        }
    }
}

/// Charts in a grid: a picture ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The charts, row after row.
    pub charts: Vec<Chart>,
    /// Charts in a row.
    pub columns: usize,
    /// Width and height of one chart in points (SVG); PNG has two pixels to a point.
    pub chart_size: (u32, u32),
}

/// Pixels of a PNG to one point of the figure.
const PNG_SCALE: u32 = 2;
/// Pixels drawn to one pixel written, along each side.
const OVERSAMPLING: u32 = 2;
/// Units of an SVG to one point of the figure: the back end knows whole numbers only, which would leave curves ragged.
const SVG_SCALE: u32 = 4;

impl Figure {
    /// One chart, 640 x 420 points.
    pub fn single(chart: Chart) -> Self {
        Self {
            charts: vec![chart],
            columns: 1,
            chart_size: (640, 420),
        }
    }

    /// Charts in rows of `columns`, each `chart_size` points.
    pub fn grid(charts: Vec<Chart>, columns: usize, chart_size: (u32, u32)) -> Self {
        Self {
            charts,
            columns,
            chart_size,
        }
    }

    /// Width and height in points.
    pub fn size(&self) -> (u32, u32) {
        let columns = self.columns.clamp(1, self.charts.len().max(1));
        let rows = self.charts.len().div_ceil(columns);
        let times = |points: u32, charts: usize| points.saturating_mul(u32::try_from(charts).unwrap_or(u32::MAX));
        (times(self.chart_size.0, columns), times(self.chart_size.1, rows))
    }

    /// The figure as an SVG document: no blank line, no reference to anything outside, so that it can stand in a page of
    /// HTML or Markdown as it is. It shrinks with the page and keeps its letters as text.
    ///
    /// # Errors
    /// [`Error::Empty`] without charts; [`Error::Mismatch`] when an axis has a range that is not increasing, beyond
    /// 1e300, or not positive on a logarithmic axis, when a chart has no room for its names and margins, and for a side
    /// of more than 2^16 points.
    pub fn to_svg(&self) -> Result<String> {
        let (width, height) = self.size();
        let fine = (width.saturating_mul(SVG_SCALE), height.saturating_mul(SVG_SCALE));
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, fine).into_drawing_area();
            draw::figure(&root, self, draw::Canvas::Svg(SVG_SCALE))?;
        }
        let drawn = format!("width=\"{}\" height=\"{}\"", fine.0, fine.1);
        let shown = format!("width=\"{width}\" height=\"{height}\" style=\"max-width:100%;height:auto\"");
        Ok(text.replacen(&drawn, &shown, 1))
    }

    /// Writes the figure to `path`, as SVG or PNG by its extension. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Io`], and those of [`Self::to_svg`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let content = match extension.as_deref() {
            Some("svg") => self.to_svg()?.into_bytes(),
            Some("png") => self.to_png()?,
            _ => return Err(Error::UnknownFormat { path: path.to_owned() }),
        };
        let part = sibling(path);
        std::fs::write(&part, content)
            .and_then(|()| std::fs::rename(&part, path))
            .map_err(|source| {
                std::fs::remove_file(&part).ok();
                io(source)
            })
    }

    /// The figure as a PNG file, two pixels a point.
    ///
    /// # Errors
    /// As [`Self::to_svg`]; [`Error::Mismatch`] for no pixel and for more than 2^26, of which twelve bytes each are kept in
    /// memory.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let (width, height) = (width.saturating_mul(PNG_SCALE), height.saturating_mul(PNG_SCALE));
        if !(1..=MOST_PIXELS).contains(&(u64::from(width) * u64::from(height))) {
            return Err(Error::Mismatch {
                what: "pixels of a picture",
                expected: format!("1 to {MOST_PIXELS}"),
                found: format!("{width} x {height}"),
            });
        }
        // Drawn larger and averaged, which smooths what the back end leaves ragged.
        let size = (width * OVERSAMPLING, height * OVERSAMPLING);
        let mut fine = vec![0; 3 * size.0 as usize * size.1 as usize];
        let canvas = draw::Canvas::Pixels(PNG_SCALE * OVERSAMPLING);
        draw::figure(
            &BitMapBackend::with_buffer(&mut fine, size).into_drawing_area(),
            self,
            canvas,
        )?;
        let pixels = reduced(&fine, width as usize);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let encoded = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&pixels));
        encoded.map_err(|cause| Error::Backend(cause.to_string()))?;
        Ok(file)
    }
}

/// Means over squares of [`OVERSAMPLING`] x [`OVERSAMPLING`] pixels of three bytes; `width` is that of the result.
fn reduced(fine: &[u8], width: usize) -> Vec<u8> {
    let side = OVERSAMPLING as usize;
    let row = 3 * width;
    let mut pixels = Vec::with_capacity(fine.len() / (side * side));
    for band in fine.chunks_exact(side * side * row) {
        for k in 0..row {
            // Byte k of the result: pixel k / 3, colour k % 3.
            let first = k / 3 * 3 * side + k % 3;
            let sum: usize = (0..side * side)
                .map(|s| usize::from(band[s / side * side * row + first + s % side * 3]))
                .sum();
            pixels.push((sum / (side * side)) as u8);
        }
    }
    pixels
}

/// Most pixels of a bitmap.
const MOST_PIXELS: u64 = 1 << 26;

/// A name beside `path` to write to before renaming; no other picture of any thread or process has it.
fn sibling(path: &Path) -> PathBuf {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let name = path.file_name().and_then(|s| s.to_str()).unwrap_or("figure");
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}.{number}.part", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Figure {
        let wave = (0..50).map(|i| (f64::from(i), (f64::from(i) / 5.0).sin()));
        Figure::single(Chart::new(Axis::linear("time (s)"), Axis::linear("potential (V)")).with(Series::line(wave)))
    }

    #[test]
    fn writes_both_formats_whole_and_repeatably() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.svg", "a.png"] {
            let path = folder.path().join(name);
            example().save(&path).unwrap();
            let first = std::fs::read(&path).unwrap();
            example().save(&path).unwrap();
            assert_eq!(first, std::fs::read(&path).unwrap());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn pixels_are_means_of_squares() {
        let fine: Vec<u8> = (0..48).collect(); // 4 x 4 pixels
        // The first pixel of the result: bytes 0, 3, 12 and 15 of the four that it stands for.
        assert_eq!(reduced(&fine, 2)[..3], [7, 8, 9]);
        assert_eq!(reduced(&fine, 2).len(), 12);
        assert_eq!(reduced(&fine, 2)[9..], [37, 38, 39]);
    }

    #[test]
    fn refuses_what_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            example().save(folder.path().join("a.gif")),
            Err(Error::UnknownFormat { .. })
        ));
        assert!(matches!(
            example().save(folder.path().join("no/such/a.svg")),
            Err(Error::Io { .. })
        ));
        assert!(example().save(folder.path().join("no/such/a.png")).is_err());
        assert!(matches!(
            Figure::grid(vec![], 1, (10, 10)).to_svg(),
            Err(Error::Empty { .. })
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_gap_is_left_at_points_that_cannot_be_shown() {
        let points = [(1.0, 1.0), (2.0, f64::NAN), (3.0, 0.0), (4.0, 10.0)];
        let chart = Chart::new(Axis::linear("k"), Axis::log("error")).with(Series::line(points));
        assert!(!Figure::single(chart).to_svg().unwrap().contains("NaN"));
    }
}
