//! Draws a [`Figure`] on any back end.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

use crate::axis::{Ruler, place};
use crate::error::{Error, Result};
use crate::figure::{Chart, Figure, Mark, Scale, Series};
use crate::legend::{self, Entry};

/// Okabe and Ito's colours without yellow (unreadable on white), black last.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(40, 40, 40),
];
const MUTED: RGBColor = RGBColor(200, 200, 200);
const FONT: &str = "sans-serif";

/// Points along a side of a picture: the back end multiplies its units by numbers of charts in 32 bits.
const LONGEST_SIDE: u32 = 1 << 16;

static REGISTER: Once = Once::new();

pub(crate) fn backend<E: std::fmt::Display>(error: E) -> Error {
    Error::Backend(error.to_string())
}

/// What is drawn on, and the number of its units to a point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Canvas {
    Svg(u32),
    Pixels(u32),
}

/// Draws all charts.
pub(crate) fn figure<DB: DrawingBackend>(root: &DrawingArea<DB, Shift>, figure: &Figure, canvas: Canvas) -> Result<()> {
    let (Canvas::Svg(scale) | Canvas::Pixels(scale)) = canvas;
    if figure.charts.is_empty() {
        return Err(Error::Empty {
            what: "figure without charts",
        });
    }
    let (width, height) = figure.size();
    if width.max(height) > LONGEST_SIDE {
        return Err(Error::Mismatch {
            what: "sides of a picture in points",
            expected: format!("at most {LONGEST_SIDE}"),
            found: format!("{width} x {height}"),
        });
    }
    REGISTER.call_once(|| {
        // The bytes are a constant of the crate: they either always parse or the tests fail.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
    });
    root.fill(&WHITE).map_err(backend)?;
    let shared = legend::shared(&figure.charts);
    let area = match &shared {
        Some(entries) => legend::below(root, entries, scale)?,
        None => root.clone(),
    };
    // Names below may take all of the height, and the back end splits no area of negative size.
    check_room(figure, area.dim_in_pixel(), (0, 0))?;
    let columns = figure.columns.clamp(1, figure.charts.len());
    let rows = figure.charts.len().div_ceil(columns);
    for (area, item) in area.split_evenly((rows, columns)).iter().zip(&figure.charts) {
        let own = if shared.is_none() {
            legend::entries(item)
        } else {
            Vec::new()
        };
        Painter {
            figure,
            chart: item,
            scale,
            canvas,
        }
        .paint(area, &own)?;
    }
    root.present().map_err(backend)
}

/// The colour of a series of a chart.
pub(crate) fn color(chart: &Chart, index: usize) -> RGBColor {
    let series = &chart.series[index];
    if series.muted {
        MUTED
    } else {
        PALETTE[series.color.unwrap_or(index) % PALETTE.len()]
    }
}

/// Letters of `size` points.
pub(crate) fn font(size: u32, scale: u32) -> TextStyle<'static> {
    (FONT, f64::from(size * scale)).into_font().color(&RGBColor(40, 40, 40))
}

/// Errs when nothing is left of an area less `taken`; a negative size is a huge one to the back end.
fn check_room(figure: &Figure, area: (u32, u32), taken: (i32, i32)) -> Result<()> {
    let left = |size: u32, taken: i32| (size as i32).saturating_sub(taken) > 0;
    if left(area.0, taken.0) && left(area.1, taken.1) {
        return Ok(());
    }
    let (width, height) = figure.chart_size;
    Err(Error::Mismatch {
        what: "size of a chart in points",
        expected: "room for its names and margins".into(),
        found: format!("{width} x {height}"),
    })
}

struct Painter<'a> {
    figure: &'a Figure,
    chart: &'a Chart,
    scale: u32,
    canvas: Canvas,
}

/// Sizes in points.
pub(crate) const TEXT: u32 = 14;
const TITLE: u32 = 16;
const MARGIN: u32 = 10;

impl Painter<'_> {
    fn points(&self, points: u32) -> i32 {
        (points * self.scale) as i32
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, legend: &[Entry<'_>]) -> Result<()> {
        let area = area.margin(
            self.points(MARGIN),
            self.points(MARGIN),
            self.points(MARGIN),
            self.points(MARGIN),
        );
        let area = if self.chart.title.is_empty() {
            area
        } else {
            let (head, rest) = area.split_vertically(self.points(TITLE + 8));
            let middle = head.dim_in_pixel().0 as i32 / 2;
            let style = font(TITLE, self.scale).pos(Pos::new(HPos::Center, VPos::Top));
            head.draw_text(&self.chart.title, &style, (middle, 0))
                .map_err(backend)?;
            rest
        };
        let area = legend::beside(&area, legend, self.scale)?;
        self.plane(&area)
    }

    fn plane<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        let chart = self.chart;
        let bars = chart.series.iter().any(|s| s.mark == Mark::Bars);
        let mut x = Ruler::new(
            &chart.x,
            chart.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)),
            false,
        )?;
        let mut y = Ruler::new(
            &chart.y,
            chart.series.iter().flat_map(|s| s.points.iter().map(|p| p.1)),
            bars,
        )?;
        let bottom = self.points(if chart.x.hidden && chart.x.label.is_empty() {
            8
        } else {
            42
        });
        let left = self.points(if chart.y.hidden { 26 } else { 70 });
        let right = self.points(14);
        check_room(self.figure, area.dim_in_pixel(), (left + right, bottom))?;
        if chart.equal_aspect {
            let (width, height) = area.dim_in_pixel();
            let inner = (
                f64::from(width as i32 - left - right),
                f64::from(height as i32 - bottom),
            );
            Ruler::equalise(&mut x, &mut y, inner);
        }
        let base = y.range().start.max(0.0).min(y.range().end);
        let mut plane = ChartBuilder::on(area)
            .x_label_area_size(bottom)
            .y_label_area_size(left)
            .margin_right(right)
            .build_cartesian_2d(x, y)
            .map_err(backend)?;
        let mut mesh = plane.configure_mesh();
        // An empty text would be a blank line in an SVG, where raw HTML in Markdown ends.
        if !chart.x.label.is_empty() {
            mesh.x_desc(chart.x.label.clone());
        }
        if !chart.y.label.is_empty() {
            mesh.y_desc(chart.y.label.clone());
        }
        mesh.axis_desc_style(font(TEXT, self.scale))
            .label_style(font(TEXT - 2, self.scale))
            .x_labels(8)
            .y_labels(7)
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(228, 228, 228).stroke_width(self.scale))
            .axis_style(RGBColor(120, 120, 120).stroke_width(self.scale));
        if chart.x.hidden && chart.y.hidden {
            mesh.disable_axes();
        }
        mesh.draw().map_err(backend)?;
        let plane = plane.plotting_area();
        for (index, series) in chart.series.iter().enumerate() {
            self.series(plane, series, color(chart, index), base)?;
        }
        Ok(())
    }

    fn series<DB: DrawingBackend>(
        &self,
        plane: &DrawingArea<DB, Cartesian2d<Ruler, Ruler>>,
        series: &Series,
        color: RGBColor,
        base: f64,
    ) -> Result<()> {
        let (x_axis, y_axis) = (&self.chart.x, &self.chart.y);
        let pieces = pieces(series, x_axis.scale, y_axis.scale);
        let width = self.scale * if series.mark == Mark::ThinLine { 1 } else { 2 };
        for piece in pieces {
            match series.mark {
                Mark::Line | Mark::ThinLine => self.path(plane, piece, color, width)?,
                Mark::Dashed => {
                    let (dash, gap) = (self.points(7), self.points(5));
                    plane
                        .draw(&DashedPathElement::new(piece, dash, gap, color.stroke_width(width)))
                        .map_err(backend)?;
                }
                Mark::Steps => {
                    let mut path = Vec::with_capacity(2 * piece.len());
                    for pair in piece.windows(2) {
                        path.extend([pair[0], (pair[1].0, pair[0].1)]);
                    }
                    path.extend(piece.last());
                    self.path(plane, path, color, width)?;
                }
                Mark::Points => {
                    for point in piece {
                        plane
                            .draw(&Circle::new(point, self.points(3), color.mix(0.75).filled()))
                            .map_err(backend)?;
                    }
                }
                Mark::Bars => {
                    for (at, height) in piece {
                        let bar = [(at - 0.35, base), (at + 0.35, height)];
                        plane.draw(&Rectangle::new(bar, color.filled())).map_err(backend)?;
                    }
                }
                Mark::Area => {
                    plane
                        .draw(&Polygon::new(piece.clone(), color.mix(0.18)))
                        .map_err(backend)?;
                    self.path(plane, piece, color, width)?;
                }
            }
        }
        Ok(())
    }

    /// A line through the points. The back end for pixels joins thick strokes by spikes where they turn sharply, so that
    /// there each stroke is drawn for itself, with a disc over the joint.
    fn path<DB: DrawingBackend>(
        &self,
        plane: &DrawingArea<DB, Cartesian2d<Ruler, Ruler>>,
        points: Vec<(f64, f64)>,
        color: RGBColor,
        width: u32,
    ) -> Result<()> {
        let stroke = color.stroke_width(width);
        if let Canvas::Svg(_) = self.canvas {
            return plane.draw(&PathElement::new(points, stroke)).map_err(backend);
        }
        for ends in points.windows(2) {
            plane.draw(&PathElement::new(ends.to_vec(), stroke)).map_err(backend)?;
        }
        for &joint in points.get(1..points.len().saturating_sub(1)).unwrap_or(&[]) {
            plane
                .draw(&Circle::new(joint, (width / 2) as i32, color.filled()))
                .map_err(backend)?;
        }
        Ok(())
    }
}

/// Runs of points that can be shown.
fn pieces(series: &Series, x: Scale, y: Scale) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for &(a, b) in &series.points {
        match place(a, x).zip(place(b, y)) {
            Some(point) => pieces.last_mut().expect("never empty").push(point),
            None => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
