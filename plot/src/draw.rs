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

static REGISTER: Once = Once::new();

fn backend<E: std::fmt::Display>(error: E) -> Error {
    Error::Backend(error.to_string())
}

/// Draws all charts; `scale` is the number of pixels to a point.
pub(crate) fn figure<DB: DrawingBackend>(root: &DrawingArea<DB, Shift>, figure: &Figure, scale: u32) -> Result<()> {
    if figure.charts.is_empty() {
        return Err(Error::Empty {
            what: "figure without charts",
        });
    }
    REGISTER.call_once(|| {
        // The bytes are a constant of the crate: they either always parse or the tests fail.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
    });
    root.fill(&WHITE).map_err(backend)?;
    let columns = figure.columns.clamp(1, figure.charts.len());
    let rows = figure.charts.len().div_ceil(columns);
    for (area, item) in root.split_evenly((rows, columns)).iter().zip(&figure.charts) {
        Painter { chart: item, scale }.paint(area)?;
    }
    root.present().map_err(backend)
}

struct Painter<'a> {
    chart: &'a Chart,
    scale: u32,
}

/// Sizes in points.
const TEXT: u32 = 14;
const TITLE: u32 = 16;
const MARGIN: u32 = 10;

impl Painter<'_> {
    fn points(&self, points: u32) -> i32 {
        (points * self.scale) as i32
    }

    fn font(&self, size: u32) -> TextStyle<'static> {
        (FONT, f64::from(size * self.scale))
            .into_font()
            .color(&RGBColor(40, 40, 40))
    }

    fn color(&self, index: usize) -> RGBColor {
        let series = &self.chart.series[index];
        if series.muted {
            MUTED
        } else {
            PALETTE[series.color.unwrap_or(index) % PALETTE.len()]
        }
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
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
            let style = self.font(TITLE).pos(Pos::new(HPos::Center, VPos::Top));
            head.draw_text(&self.chart.title, &style, (middle, 0))
                .map_err(backend)?;
            rest
        };
        let area = self.legend(&area)?;
        self.plane(&area)
    }

    /// Draws the legend in a column at the right; what is left of the area is returned.
    fn legend<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<DrawingArea<DB, Shift>> {
        let mut entries: Vec<(&str, usize)> = Vec::new();
        for (index, series) in self.chart.series.iter().enumerate() {
            if let Some(label) = series.label.as_deref()
                && !entries.iter().any(|&(seen, _)| seen == label)
            {
                entries.push((label, index));
            }
        }
        if entries.is_empty() {
            return Ok(area.clone());
        }
        let style = self.font(TEXT).pos(Pos::new(HPos::Left, VPos::Center));
        let mut widest = 0;
        for (label, _) in &entries {
            widest = widest.max(area.estimate_text_size(label, &style).map_err(backend)?.0 as i32);
        }
        let (width, _) = area.dim_in_pixel();
        let key = self.points(22);
        let column = widest + key + self.points(18);
        let (rest, legend) = area.split_horizontally(width as i32 - column);
        for (row, &(label, index)) in entries.iter().enumerate() {
            let y = self.points(14 + 20 * row as u32);
            let (x0, x1) = (self.points(8), self.points(8) + key - self.points(4));
            let color = self.color(index);
            match self.chart.series[index].mark {
                Mark::Points => legend
                    .draw(&Circle::new(((x0 + x1) / 2, y), self.points(4), color.filled()))
                    .map_err(backend)?,
                Mark::Bars | Mark::Area => {
                    let half = self.points(5);
                    legend
                        .draw(&Rectangle::new([(x0, y - half), (x1, y + half)], color.filled()))
                        .map_err(backend)?;
                }
                Mark::Dashed => {
                    let middle = self.points(3);
                    let stroke = color.stroke_width(2 * self.scale);
                    for (from, to) in [(x0, (x0 + x1) / 2 - middle), ((x0 + x1) / 2 + middle, x1)] {
                        legend
                            .draw(&PathElement::new([(from, y), (to, y)], stroke))
                            .map_err(backend)?;
                    }
                }
                Mark::Line | Mark::ThinLine | Mark::Steps => legend
                    .draw(&PathElement::new(
                        [(x0, y), (x1, y)],
                        color.stroke_width(2 * self.scale),
                    ))
                    .map_err(backend)?,
            }
            legend.draw_text(label, &style, (x0 + key, y)).map_err(backend)?;
        }
        Ok(rest)
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
        mesh.x_desc(chart.x.label.clone())
            .y_desc(chart.y.label.clone())
            .axis_desc_style(self.font(TEXT))
            .label_style(self.font(TEXT - 2))
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
            self.series(plane, series, self.color(index), base)?;
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
        let stroke = color.stroke_width(if series.mark == Mark::ThinLine {
            self.scale
        } else {
            2 * self.scale
        });
        for piece in pieces {
            match series.mark {
                Mark::Line | Mark::ThinLine => plane.draw(&PathElement::new(piece, stroke)).map_err(backend)?,
                Mark::Dashed => {
                    let (dash, gap) = (self.points(7), self.points(5));
                    plane
                        .draw(&DashedPathElement::new(piece, dash, gap, stroke))
                        .map_err(backend)?;
                }
                Mark::Steps => {
                    let mut path = Vec::with_capacity(2 * piece.len());
                    for pair in piece.windows(2) {
                        path.extend([pair[0], (pair[1].0, pair[0].1)]);
                    }
                    path.extend(piece.last());
                    plane.draw(&PathElement::new(path, stroke)).map_err(backend)?;
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
                    plane.draw(&PathElement::new(piece, stroke)).map_err(backend)?;
                }
            }
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
